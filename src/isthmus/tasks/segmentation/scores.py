"""The scores that follow from a confusion matrix of pixels."""

from collections.abc import Sequence

from jaxtyping import Float, Int
from torch import Tensor

from isthmus.tasks.confusion import class_ratios, share_right
from isthmus.tasks.segmentation.declaration import OF_A_CLASS, OVERALL


def class_scores(
    matrix: Int[Tensor, "classes classes"], ignore_index: int | None = None
) -> dict[str, Float[Tensor, " classes"]]:
    """IoU, Class_Accuracy (recall) and F1 of each class.

    A class that neither the truth nor the prediction holds has no score: NaN. Neither has the class `ignore_index`,
    where that is one of the classes. A class that was only predicted scores 0.
    """
    ratios = class_ratios(matrix, ignore_index)
    return dict(zip(OF_A_CLASS, (ratios.iou, ratios.recall, ratios.f1), strict=True))


def mean_scores(
    matrix: Int[Tensor, "classes classes"], ignore_index: int | None = None
) -> dict[str, Float[Tensor, ""]]:
    """The scores over all classes.

    mIoU, F1_Score and Accuracy are means over the classes that have a score (see `class_scores`); mIoU_Micro and
    Pixel_Accuracy count pixels regardless of their class. All are NaN where no pixel counted.
    """
    iou, recall, f1 = (score.nanmean() for score in class_scores(matrix, ignore_index).values())
    right = share_right(matrix)
    return dict(zip(OVERALL, (iou, right / (2 - right), f1, recall, right), strict=True))


def segmentation_scores(
    matrix: Int[Tensor, "classes classes"], class_names: Sequence[str], ignore_index: int | None = None
) -> dict[str, Float[Tensor, ""]]:
    """Every score under the name by which it is logged: those of `mean_scores`, then `IoU_<class>` and so on."""
    scores = mean_scores(matrix, ignore_index)
    for kind, values in class_scores(matrix, ignore_index).items():
        scores |= {f"{kind}_{name}": value for name, value in zip(class_names, values, strict=True)}
    return scores
