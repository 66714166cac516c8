"""What a sample is made of: named readers, one for each image, one for the truth about it, one for what else is known.

A reader is plain data that needs no torch. It says all there is to say about its part of a sample: how it is read, what
the headers of files must say for that, how it moves with the image through a transform.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from isthmus.datasets.bands import BandSelection
from isthmus.datasets.pairing import Sample
from isthmus.errors import ArgumentError
from isthmus.rasters.header import open_pixels
from isthmus.rasters.read import pixels_of
from isthmus.specs import BandScaling

if TYPE_CHECKING:
    from isthmus.transforms.sample import Moving

Shape = tuple[int, ...]
"""The shape of an image, `(C, H, W)` or `(C, T, H, W)`."""

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class ImageReader:
    """How the file of an image is read: the wanted bands, scaled, with NaN where there are no data.

    Attributes:
        bands: which bands of the file become channels.
        scale: what every pixel is multiplied by, as from digital numbers to reflectance; 1 where None.
    """

    bands: BandSelection
    scale: float | None = None

    @property
    def factor(self) -> float:
        """What every pixel is multiplied by."""
        return 1.0 if self.scale is None else self.scale

    def scaled(self, value: float | None) -> float | None:
        """A value of the file as it is in an image; None stays None."""
        return None if value is None else value * self.factor

    def read(self, path: Path) -> npt.NDArray[np.float32]:
        """Read an image as float32, `(channels, height, width)` or `(channels, time, height, width)`.

        Values are missing, NaN, where the file says so (nodata value, mask, NaN) and where they are infinite.

        Raises:
            RasterError: the file is missing, empty, truncated, or not a raster.
            BandError: the file has other bands than the selection says.
        """
        with open_pixels(path) as source:
            pixels = pixels_of(source, self.bands.file_indices(source.count, path))
            is_float = np.dtype(source.dtypes[0]).kind == "f"
        if is_float:
            pixels[np.isinf(pixels)] = np.nan
        if self.factor != 1.0:
            pixels *= np.float32(self.factor)
        if self.bands.temporal:
            channels = len(self.bands.names or ())
            pixels = pixels.reshape(channels, -1, *pixels.shape[-2:])
        return pixels

    def shape(self, count: int, height: int, width: int, path: Path) -> Shape:
        """The shape of the image in a file of `count` bands.

        Raises:
            BandError: the file has other bands than the selection says.
        """
        channels, steps = len(self.bands.file_indices(count, path)), self.bands.time_steps(count, path)
        return (channels // steps, steps, height, width) if self.bands.temporal else (channels, height, width)

    def under(self, scaling: BandScaling) -> "ImageReader":
        """The reader that gives a model what it was trained on: its bands, by name, and its scale.

        Raises:
            ArgumentError: other bands, or another scale, were asked for.
        """
        if self.scale is not None and not np.isclose(self.scale, scaling.scale, atol=0):
            raise ArgumentError(
                f"constant_scale is {self.scale:g}, but the model was trained with {scaling.scale:g}",
                argument="constant_scale",
            )
        return ImageReader(self.bands.reading(scaling.bands), scaling.scale)


class TargetReader(ABC):
    """How a part of a sample beside its images is read: the truth about it, or what else is known of it.

    Attributes:
        opens_files: whether reading it opens a file of its own, so that values can be wrong that no header shows.
        ragged: the keys that differ in length between samples; batches are filled up with NaN.
    """

    __slots__ = ()

    opens_files: ClassVar[bool] = False
    ragged: ClassVar[tuple[str, ...]] = ()

    def check(self, samples: Sequence[Sample]) -> None:  # noqa: B027
        """Make sure, without opening a file for each, that all samples have what is to be read.

        Raises:
            DataError: one has not.
        """

    def fits(self, sample: Sample, shape: Shape) -> None:  # noqa: B027
        """Make sure, as far as headers tell, that it fits an image of this shape.

        Raises:
            DataError: it does not.
        """

    @abstractmethod
    def read(self, sample: Sample, shape: Shape) -> Arrays:
        """Read it, by its keys in a sample; nothing where the sample has none of it.

        Raises:
            DataError: it cannot be used, or does not fit an image of this shape.
        """

    def blank(self, sample: Sample, height: int, width: int) -> Arrays:  # noqa: ARG002
        """What stands for it where a transform is tried on an empty image."""
        return {}

    def moving(self) -> "Moving | None":
        """How it moves with the image through a transform; None where it stays as it is."""
        return None


Reader = ImageReader | TargetReader
Readers = Mapping[str, Reader]
"""The readers of a sample by name; the only image of a sample is called "image"."""


def image_readers(readers: Readers) -> dict[str, ImageReader]:
    """Those that read images, by modality."""
    return {name: reader for name, reader in readers.items() if isinstance(reader, ImageReader)}


def target_readers(readers: Readers) -> dict[str, TargetReader]:
    """Those that read everything else."""
    return {name: reader for name, reader in readers.items() if isinstance(reader, TargetReader)}
