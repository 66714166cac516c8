"""The scores that follow from a confusion matrix of pixels."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from isthmus.tasks.confusion import count_hits
from isthmus.tasks.segmentation.declaration import OF_A_CLASS, OVERALL


def class_scores(
    matrix: Int[Tensor, "classes classes"], ignore_index: int | None = None
) -> dict[str, Float[Tensor, " classes"]]:
    """IoU, Class_Accuracy (recall) and F1 of each class.

    A class that neither the truth nor the prediction holds has no score: NaN. Neither has the class `ignore_index`,
    where that is one of the classes. A class that was only predicted scores 0.
    """
    hits, truth, predicted, scored = count_hits(matrix, ignore_index)
    iou = hits / (truth + predicted - hits).clamp_min(1)
    recall = hits / truth.clamp_min(1)
    f1 = 2 * hits / (truth + predicted).clamp_min(1)
    return {
        name: score.masked_fill(~scored, torch.nan) for name, score in zip(OF_A_CLASS, (iou, recall, f1), strict=True)
    }


def mean_scores(
    matrix: Int[Tensor, "classes classes"], ignore_index: int | None = None
) -> dict[str, Float[Tensor, ""]]:
    """The scores over all classes.

    mIoU, F1_Score and Accuracy are means over the classes that have a score (see `class_scores`); mIoU_Micro and
    Pixel_Accuracy count pixels regardless of their class. All are NaN where no pixel counted.
    """
    hits, truth, predicted, _ = count_hits(matrix, ignore_index)
    iou, recall, f1 = (score.nanmean() for score in class_scores(matrix, ignore_index).values())
    correct, total = hits.sum(), truth.sum()
    values = (iou, correct / (total + predicted.sum() - correct), f1, recall, correct / total)
    return dict(zip(OVERALL, values, strict=True))


def segmentation_scores(
    matrix: Int[Tensor, "classes classes"], class_names: Sequence[str], ignore_index: int | None = None
) -> dict[str, Float[Tensor, ""]]:
    """Every score under the name by which it is logged: those of `mean_scores`, then `IoU_<class>` and so on."""
    scores = mean_scores(matrix, ignore_index)
    for kind, values in class_scores(matrix, ignore_index).items():
        scores |= {f"{kind}_{name}": value for name, value in zip(class_names, values, strict=True)}
    return scores
