"""The confusion matrix, and the scores that follow from it."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
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
            prediction: the predicted class of each pixel, `(B, H, W)`.
            target: the true class, `(B, H, W)` or `(B, 1, H, W)`.

        Raises:
            ShapeError: the two do not cover the same pixels.
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


def class_scores(
    matrix: Int[Tensor, "classes classes"], ignore_index: int | None = None
) -> dict[str, Float[Tensor, " classes"]]:
    """IoU, Class_Accuracy (recall) and F1 of each class.

    A class that neither the truth nor the prediction holds has no score: NaN. Neither has the class `ignore_index`,
    where that is one of the classes. A class that was only predicted scores 0.
    """
    hits, truth, predicted, scored = _counts(matrix, ignore_index)
    scores = {
        "IoU": hits / (truth + predicted - hits).clamp_min(1),
        "Class_Accuracy": hits / truth.clamp_min(1),
        "F1": 2 * hits / (truth + predicted).clamp_min(1),
    }
    return {name: score.masked_fill(~scored, torch.nan) for name, score in scores.items()}


def mean_scores(
    matrix: Int[Tensor, "classes classes"], ignore_index: int | None = None
) -> dict[str, Float[Tensor, ""]]:
    """The scores over all classes.

    mIoU, F1_Score and Accuracy are means over the classes that have a score (see `class_scores`); mIoU_Micro and
    Pixel_Accuracy count pixels regardless of their class. All are NaN where no pixel counted.
    """
    hits, truth, predicted, _ = _counts(matrix, ignore_index)
    scores = class_scores(matrix, ignore_index)
    correct, total = hits.sum(), truth.sum()
    return {
        "mIoU": scores["IoU"].nanmean(),
        "mIoU_Micro": correct / (total + predicted.sum() - correct),
        "F1_Score": scores["F1"].nanmean(),
        "Accuracy": scores["Class_Accuracy"].nanmean(),
        "Pixel_Accuracy": correct / total,
    }


def segmentation_scores(
    matrix: Int[Tensor, "classes classes"], class_names: Sequence[str], ignore_index: int | None = None
) -> dict[str, Float[Tensor, ""]]:
    """Every score under the name by which it is logged: those of `mean_scores`, then `IoU_<class>` and so on."""
    scores = mean_scores(matrix, ignore_index)
    for kind, values in class_scores(matrix, ignore_index).items():
        scores |= {f"{kind}_{name}": value for name, value in zip(class_names, values, strict=True)}
    return scores


def _counts(matrix: Tensor, ignore_index: int | None) -> tuple[Tensor, Tensor, Tensor, Bool[Tensor, " classes"]]:
    """Hits, true pixels and predicted pixels of each class as float64, and whether the class has a score."""
    counts = matrix.cpu().double()
    hits, truth, predicted = counts.diagonal(), counts.sum(1), counts.sum(0)
    scored = truth + predicted > 0
    if ignore_index is not None and 0 <= ignore_index < len(scored):
        scored[ignore_index] = False
    return hits, truth, predicted, scored
