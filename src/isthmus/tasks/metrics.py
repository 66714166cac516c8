"""The metrics of one split of a task."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from jaxtyping import Int
from torch import Tensor, nn

from isthmus.tasks.boundary import BoundaryMeanIoU
from isthmus.tasks.confusion import ConfusionMatrix, segmentation_scores


class TaskMetrics(nn.Module, ABC):
    """Metrics that are counted batch by batch and computed at the end of an epoch."""

    @property
    @abstractmethod
    def update_called(self) -> bool:
        """Whether any batch was counted since the last reset."""

    @abstractmethod
    def update(self, prediction: Tensor, target: Any) -> None:
        """Count a batch."""

    @abstractmethod
    def compute(self) -> dict[str, Tensor]:
        """Every score by the name by which it is logged, over all batches and devices."""

    @abstractmethod
    def reset(self) -> None:
        """Forget every batch."""


class SegmentationMetrics(TaskMetrics):
    """One confusion matrix, from which the scores follow, and the boundary score.

    Args:
        class_names: the classes, in the order of their labels.
        ignore_index: the label of pixels that do not count; None where all do.
        boundary: whether to compute Boundary_mIoU, which costs more than all the others together.
    """

    def __init__(self, class_names: Sequence[str], ignore_index: int | None = None, *, boundary: bool = True) -> None:
        super().__init__()
        self.class_names = list(class_names)
        self.ignore_index = ignore_index
        self.confusion = ConfusionMatrix(len(self.class_names), ignore_index)
        self.boundary = BoundaryMeanIoU(len(self.class_names), ignore_index) if boundary else None

    @property
    def update_called(self) -> bool:
        """Whether any batch was counted since the last reset."""
        return self.confusion.update_called

    def update(self, prediction: Int[Tensor, "..."], target: Tensor) -> None:
        """Count a batch of class maps `(B, H, W)`."""
        self.confusion.update(prediction, target)
        if self.boundary is not None:
            self.boundary.update(prediction, target)

    def compute(self) -> dict[str, Tensor]:
        """Every score by its name, over all batches and devices."""
        scores = segmentation_scores(self.confusion.compute(), self.class_names, self.ignore_index)
        if self.boundary is not None:
            scores["Boundary_mIoU"] = self.boundary.compute()
        return scores

    def reset(self) -> None:
        """Forget every batch."""
        self.confusion.reset()
        if self.boundary is not None:
            self.boundary.reset()
