"""The nearest-mean classifier: every pixel gets the class whose mean spectrum is nearest."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import DataError, ShapeError


class NearestMean:
    """Minimum-distance-to-means classification, the oldest way to make a land-cover map.

    Distances are Euclidean after each band is divided by its standard deviation within the classes.

    Attributes:
        means: the mean spectrum of each class, `(class, band)`; NaN for a class without a pixel.
        scale: the standard deviation within the classes, by band.
    """

    def __init__(self, means: NDArray[np.float64], scale: NDArray[np.float64]) -> None:
        self.means = means
        self.scale = scale

    @classmethod
    def fit(cls, samples: Iterable[tuple[NDArray, NDArray]], num_classes: int) -> "NearestMean":
        """Find the mean spectra.

        Args:
            samples: pairs of an image `(band, height, width)` and its labels `(height, width)`. Labels outside
                `0..num_classes-1` and pixels that are not finite in every band are left out.
            num_classes: the number of classes.

        Raises:
            DataError: when no pixel has a class.
            ShapeError: when an image and its labels differ in size.
        """
        moments = [_moments(image, labels, num_classes) for image, labels in samples]
        if not any(counts.any() for counts, _, _ in moments):
            raise DataError("no pixel has a class: there is nothing to take means of")
        counts, sums, squares = (np.sum(part, axis=0) for part in zip(*moments, strict=True))
        with np.errstate(invalid="ignore"):
            means = sums / counts[:, None]
        within = np.nansum(squares - counts[:, None] * means**2, axis=0) / counts.sum()
        scale = np.sqrt(np.maximum(within, 0))
        return cls(means, np.where(scale > 0, scale, 1.0))

    def predict(self, image: NDArray) -> NDArray[np.uint8]:
        """Classify an image `(band, height, width)`; the result is `(height, width)`."""
        if image.ndim != 3 or image.shape[0] != self.means.shape[1]:
            raise ShapeError(f"an image of shape {image.shape} does not have {self.means.shape[1]} bands in front")
        pixels = (image.reshape(image.shape[0], -1).T / self.scale).astype(np.float64)
        nearest = np.full(len(pixels), np.inf)
        classes = np.zeros(len(pixels), np.uint8)
        for number, mean in enumerate(self.means / self.scale):
            distance = ((pixels - mean) ** 2).sum(axis=1)
            closer = distance < nearest
            classes[closer] = number
            nearest[closer] = distance[closer]
        return classes.reshape(image.shape[1:])


def _moments(image: NDArray, labels: NDArray, num_classes: int) -> tuple[NDArray, NDArray, NDArray]:
    """By class: how many pixels there are, and the sums of their bands and of the squares of their bands."""
    if image.shape[1:] != labels.shape:
        raise ShapeError(f"an image of {image.shape[1:]} pixels has labels of {labels.shape}")
    counted = (labels >= 0) & (labels < num_classes) & np.isfinite(image).all(axis=0)
    pixels, classes = image[:, counted].astype(np.float64), labels[counted].astype(np.int64)
    sums = np.stack([np.bincount(classes, band, num_classes) for band in pixels], axis=1)
    squares = np.stack([np.bincount(classes, band**2, num_classes) for band in pixels], axis=1)
    return np.bincount(classes, minlength=num_classes), sums, squares
