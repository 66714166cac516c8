"""What all metrics of tasks have in common, and metrics that are asked for beside them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from isthmus.registry import METRIC_REGISTRY
from isthmus.tasks.declaring import find_declared
from isthmus.tasks.valid_pixels import valid_pixels


class TaskMetrics(nn.Module, ABC):
    """Metrics that are counted batch by batch and computed at the end of an epoch."""

    @property
    @abstractmethod
    def update_called(self) -> bool:
        """Whether any batch was counted since the last reset."""

    @abstractmethod
    def update(self, prediction: Any, target: Any) -> None:
        """Count a batch."""

    @abstractmethod
    def compute(self) -> dict[str, Tensor]:
        """Every score by the name by which it is logged, over all batches and devices."""

    def per_name(self) -> Mapping[str, Mapping[str, float]]:
        """The scores of each name that the output has, for a table; nothing where there is no more to say."""
        return {}

    @abstractmethod
    def reset(self) -> None:
        """Forget every batch."""


class WithRequested(TaskMetrics):
    """The metrics of a task, and registered ones that are asked for by name.

    These have `update`, `compute` and `reset` as torchmetrics has them. They are given the elements that count, of
    prediction and target alike, in one row; where the target is no tensor, both as they are.

    Args:
        own: the metrics of the task.
        names: what the others are called.
        compares: what the task compares.
        outputs: how many numbers the model gives for a pixel or an image, for metrics that take `num_classes`.
        ignore_index: the value of elements that do not count.

    Raises:
        ArgumentError: a name is not known.
    """

    def __init__(
        self, own: TaskMetrics, names: Sequence[str], compares: str, outputs: int | None, ignore_index: float | None
    ) -> None:
        super().__init__()
        self.own = own
        self.ignore_index = ignore_index
        self.requested = nn.ModuleDict()
        for name in names:
            entry = find_declared(METRIC_REGISTRY, name, compares, "metrics")
            counted = "num_classes" in entry.signature().names
            self.requested[name] = entry.build(**({"num_classes": outputs} if counted else {}))

    @property
    def update_called(self) -> bool:
        """Whether any batch was counted since the last reset."""
        return self.own.update_called

    def update(self, prediction: Any, target: Any) -> None:
        """Count a batch."""
        self.own.update(prediction, target)
        if isinstance(target, Tensor):
            valid = valid_pixels(target, self.ignore_index)
            prediction, target = prediction[valid], target[valid]
        for _, metric in self._requested():
            metric.update(prediction, target)

    def compute(self) -> dict[str, Tensor]:
        """Every score by its name, over all batches and devices."""
        return self.own.compute() | {name: metric.compute() for name, metric in self._requested()}

    def reset(self) -> None:
        """Forget every batch."""
        self.own.reset()
        for _, metric in self._requested():
            metric.reset()

    def _requested(self) -> Iterable[tuple[str, Any]]:
        return self.requested.items()
