"""Thresholds on spectral indices, such as the MNDWI for water (Xu 2006, https://doi.org/10.1080/01431160600589179)."""

import numpy as np
from numpy.typing import NDArray


def normalized_difference(first: NDArray, second: NDArray) -> NDArray[np.float32]:
    """Compute `(first - second) / (first + second)`; 0 where the sum is 0.

    With green and shortwave infrared it is the MNDWI, with green and near infrared the NDWI, with near infrared and red
    the NDVI.
    """
    first, second = first.astype(np.float32), second.astype(np.float32)
    total = first + second
    return np.asarray((first - second) / np.where(total == 0, 1, total) * (total != 0), dtype=np.float32)


def best_threshold(
    index: NDArray, positive: NDArray[np.bool_], candidates: NDArray | None = None
) -> tuple[float, float]:
    """Find the threshold above which the index agrees best with the truth.

    Args:
        index: the spectral index, any shape.
        positive: the truth, of the same shape.
        candidates: the thresholds to try; -1 to 1 in steps of 0.01 unless given.

    Returns:
        The threshold, and the intersection over union of `index > threshold` with the truth.
    """
    if candidates is None:
        candidates = np.linspace(-1, 1, 201)
    candidates = np.sort(candidates)
    # the number of candidates that lie below a pixel tells every threshold that the pixel passes
    passed = np.searchsorted(candidates, index.ravel(), side="left")
    count = len(candidates) + 1
    hits = np.bincount(passed[positive.ravel()], minlength=count)[::-1].cumsum()[::-1][1:]
    claimed = np.bincount(passed, minlength=count)[::-1].cumsum()[::-1][1:]
    scores = hits / np.maximum(claimed + positive.sum() - hits, 1)
    best = int(scores.argmax())
    return float(candidates[best]), float(scores[best])
