"""The metrics of a segmentation."""

from collections.abc import Sequence

from jaxtyping import Int
from torch import Tensor

from isthmus.tasks.class_metrics import ClassMetrics
from isthmus.tasks.segmentation.boundary import BoundaryMeanIoU
from isthmus.tasks.segmentation.declaration import BOUNDARY
from isthmus.tasks.segmentation.scores import segmentation_scores


class SegmentationMetrics(ClassMetrics):
    """One confusion matrix, from which the scores follow, and the boundary score.

    Args:
        class_names: the classes, in the order of their labels.
        ignore_index: the label of pixels that do not count; None where all do.
        boundary: whether to compute Boundary_mIoU, which costs more than all the others together.
    """

    def __init__(self, class_names: Sequence[str], ignore_index: int | None = None, *, boundary: bool = True) -> None:
        super().__init__(class_names, ignore_index)
        self.boundary = BoundaryMeanIoU(len(self.class_names), ignore_index) if boundary else None

    def scores(self, matrix: Int[Tensor, "classes classes"]) -> dict[str, Tensor]:
        """The scores of `segmentation_scores`."""
        return segmentation_scores(matrix, self.class_names, self.ignore_index)

    def update(self, prediction: Int[Tensor, "..."], target: Tensor) -> None:
        """Count a batch of class maps `(B, H, W)`."""
        super().update(prediction, target)
        if self.boundary is not None:
            self.boundary.update(prediction, target)

    def compute(self) -> dict[str, Tensor]:
        """Every score by its name, over all batches and devices."""
        scores = super().compute()
        if self.boundary is not None:
            scores[BOUNDARY] = self.boundary.compute()
        return scores

    def reset(self) -> None:
        """Forget every batch."""
        super().reset()
        if self.boundary is not None:
            self.boundary.reset()
