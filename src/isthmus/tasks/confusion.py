"""The confusion matrix, from which the scores of classes follow."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torchmetrics import Metric

from isthmus.tasks.valid_pixels import class_labels


class ConfusionMatrix(Metric):
    """Counts how often each class was taken for each: rows are the truth, columns the prediction.

    It adds up over batches and over devices; the counts are exact (int64).

    Args:
        num_classes: the size K of the matrix.
        ignore_index: the label of pixels that do not count; None where all do.
    """

    is_differentiable = False
    full_state_update = False
    matrix: Tensor

    def __init__(self, num_classes: int, ignore_index: int | None = None) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.ignore_index = ignore_index
        self.add_state("matrix", torch.zeros(num_classes, num_classes, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, prediction: Int[Tensor, "..."], target: Tensor) -> None:
        """Count a batch.

        Args:
            prediction: the predicted class of each pixel `(B, H, W)`, or of each image `(B,)`.
            target: the true class, in the same shape or with an axis of 1 behind the first.

        Raises:
            ShapeError: the two do not cover the same.
            LabelError: a true class lies outside the classes.
        """
        size = self.num_classes
        labels, valid = class_labels(target, prediction.shape, size, self.ignore_index)
        cell = (labels * size + prediction).masked_fill(~valid, size * size)  # one cell more for what does not count
        counts = torch.bincount(cell.flatten(), minlength=size * size + 1)
        self.matrix += counts[:-1].reshape(size, size)

    def compute(self) -> Int[Tensor, "truth prediction"]:
        """The matrix over all batches and devices."""
        return self.matrix


@dataclass(frozen=True, slots=True)
class ClassRatios:
    """The scores of each class as float64 `(K,)`; NaN where a class has none.

    A class that neither the truth nor the prediction holds has none. Neither has the class `ignore_index`, where that
    is one of the classes. A class that is only in one of the two scores 0.

    Attributes:
        iou: intersection over union.
        recall: the share of its cases that are found.
        precision: the share of what is found that is right.
        f1: the harmonic mean of the two.
    """

    iou: Float[Tensor, " classes"]
    recall: Float[Tensor, " classes"]
    precision: Float[Tensor, " classes"]
    f1: Float[Tensor, " classes"]


def class_ratios(matrix: Int[Tensor, "classes classes"], ignore_index: int | None = None) -> ClassRatios:
    """The scores of each class.

    Args:
        matrix: rows truth, columns prediction.
        ignore_index: the label of what does not count; None where all does.
    """
    counts = matrix.cpu().double()
    hits, truth, predicted = counts.diagonal(), counts.sum(1), counts.sum(0)
    scored = truth + predicted > 0
    if ignore_index is not None and 0 <= ignore_index < len(scored):
        scored[ignore_index] = False
    parts = ((hits, truth + predicted - hits), (hits, truth), (hits, predicted), (2 * hits, truth + predicted))
    return ClassRatios(*((part / whole.clamp_min(1)).masked_fill(~scored, torch.nan) for part, whole in parts))


def share_right(matrix: Int[Tensor, "classes classes"]) -> Float[Tensor, ""]:
    """The share of all cases, whatever their class, that are right; NaN where there are none."""
    counts = matrix.cpu().double()
    return counts.diagonal().sum() / counts.sum()
