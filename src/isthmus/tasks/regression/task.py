"""Regression of every pixel."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from isthmus.specs import Quantities
from isthmus.tasks.base import BaseTask
from isthmus.tasks.criteria import Loss
from isthmus.tasks.regression.declaration import REGRESSION, quantities_of
from isthmus.tasks.regression.metrics import RegressionMetrics


class PixelwiseRegressionTask(BaseTask):
    """Gives every pixel the value of a quantity, or of several.

    A batch holds `image` `(B, C, H, W)` or `(B, C, T, H, W)`, `mask` `(B, H, W)`, `(B, 1, H, W)` or, of several
    quantities, `(B, Q, H, W)`, and `filename`; whatever else it holds goes to the model as keywords. Values that are
    NaN or `ignore_index` count neither in losses nor in metrics. The model gives `(B, H, W)` or `(B, Q, H, W)`.

    The metrics are RMSE, MSE and MAE over all that counts, and R2_Score, the mean over the quantities, NaN where the
    truth does not vary; with several quantities also those of each, as in `RMSE_<name>`. The best checkpoint is the
    one with the lowest val/RMSE.

    For each batch `predict` gives `((values, "pred"), filenames)`, the values as the model gives them, in float32.

    Args:
        model_args: see `BaseTask`, as for all that is not listed here. `num_outputs`, the number of quantities, follows
            from `quantity_names`, and is 1 where nothing says it.
        model_factory: likewise.
        model: likewise.
        loss: the name of a loss of quantities (`isthmus list losses`), "mse", "mae", "rmse" or "huber"; a list of them
            (summed), a dict of them with weights or arguments, as in `{huber: {delta: 5}}`, or a module, which is
            called with values and mask as they are.
        ignore_index: the value of pixels that do not count; NaN never does.
        quantity_names: the quantities, in the order of the channels; "value" or their numbers by default.
        units: the unit of each, such as "m" or "%", for maps, pictures and tables.
        training: see `BaseTask`.

    Raises:
        ArgumentError: neither model nor factory is given, or an argument has no valid value.
    """

    kind = REGRESSION
    output_spec: Quantities

    def __init__(
        self,
        model_args: dict[str, Any] | None = None,
        model_factory: str | None = None,
        model: nn.Module | None = None,
        loss: Loss = "mse",
        *,
        ignore_index: float | None = None,
        quantity_names: list[str] | None = None,
        units: list[str] | None = None,
        **training: Any,
    ) -> None:
        super().__init__(dict(locals()), model_args, model_factory, model, **training)

    def describe(self, given: Mapping[str, Any]) -> Quantities:
        """The quantities of the pixels."""
        return quantities_of(given)

    def make_metrics(self, split: str) -> RegressionMetrics:  # noqa: ARG002
        """The metrics of a split."""
        return RegressionMetrics(self.output_spec.names, self.ignore_index)
