"""The metrics of a regression."""

from collections.abc import Mapping, Sequence

from jaxtyping import Float
from torch import Tensor

from isthmus.tasks.metrics import TaskMetrics
from isthmus.tasks.regression.quantity_errors import QuantityErrors, overall_scores, quantity_scores


class RegressionMetrics(TaskMetrics):
    """RMSE, MSE, MAE and R2_Score over the pixels that count and, of several quantities, of each.

    Args:
        names: the quantities, in the order of the channels.
        ignore_index: the value of what does not count; None where only NaN does not.
    """

    def __init__(self, names: Sequence[str], ignore_index: float | None = None) -> None:
        super().__init__()
        self.names = list(names)
        self.errors = QuantityErrors(len(self.names), ignore_index)

    @property
    def update_called(self) -> bool:
        """Whether any batch was counted since the last reset."""
        return self.errors.update_called

    def update(self, prediction: Float[Tensor, "..."], target: Tensor) -> None:
        """Count a batch of values, `(B, Q, ...)` or `(B, ...)` of a single quantity."""
        self.errors.update(prediction, target)

    def compute(self) -> dict[str, Tensor]:
        """Every score by its name, over all batches and devices."""
        each = {f"{score}_{name}": value for name, scores in self._by_name().items() for score, value in scores.items()}
        return overall_scores(self.errors.compute()) | each

    def per_name(self) -> Mapping[str, Mapping[str, float]]:
        """The scores of each of several quantities, and how many of its pixels are known."""
        counts = self.errors.compute()[0].tolist()
        return {
            name: {score: float(value) for score, value in scores.items()} | {"known": int(count)}
            for (name, scores), count in zip(self._by_name().items(), counts, strict=False)
        }

    def reset(self) -> None:
        """Forget every batch."""
        self.errors.reset()

    def _by_name(self) -> dict[str, dict[str, Tensor]]:
        """The scores of each quantity, where there are several."""
        if len(self.names) == 1:
            return {}
        table = quantity_scores(self.errors.compute())
        return {name: {score: values[k] for score, values in table.items()} for k, name in enumerate(self.names)}
