"""How well a map agrees with the truth."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scores:
    """The agreement of a map with the truth.

    Attributes:
        pixels: how many pixels were compared.
        iou: the intersection over union of each class; NaN for one that is neither there nor mapped.
        mean_iou: the mean of those that are not NaN.
        accuracy: the share of pixels that agree.
    """

    pixels: int
    iou: dict[str, float]
    mean_iou: float
    accuracy: float

    def to_dict(self) -> dict[str, Any]:
        """The scores as plain data."""
        return asdict(self)


def score(mapped: NDArray[np.uint8], truth: NDArray[np.uint8], class_names: Sequence[str]) -> Scores:
    """Compare a map with the truth.

    Args:
        mapped: the mapped classes, `(height, width)`.
        truth: the true classes; pixels whose label is no class are left out.
        class_names: the names of the classes.
    """
    from isthmus.report.scores import class_scores

    count = len(class_names)
    told = truth < count
    cells = truth[told].astype(np.int64) * count + mapped[told]
    confusion = np.bincount(cells, minlength=count * count).reshape(count, count)
    iou = {each.name: each.iou for each in class_scores(confusion, class_names)}
    return Scores(int(told.sum()), iou, float(np.nanmean(list(iou.values()))), float(np.trace(confusion) / told.sum()))
