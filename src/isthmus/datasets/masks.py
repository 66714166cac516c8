"""Label rasters: a value for every pixel of an image."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from isthmus.datasets.pairing import Sample
from isthmus.datasets.readers import Arrays, Shape, TargetReader
from isthmus.errors import DataError
from isthmus.rasters.header import read_info

if TYPE_CHECKING:
    from isthmus.transforms.masks import MovingMask


class MaskReader(TargetReader):
    """How the file of a label with a value per pixel is read, as `mask`, `(H, W)`, or several of them, `(Q, H, W)`.

    Attributes:
        dtype: of the values.
    """

    __slots__ = ()

    opens_files: ClassVar[bool] = True
    dtype: ClassVar[type[np.generic]] = np.int64

    @property
    @abstractmethod
    def fill(self) -> float | None:
        """What a pixel without a label becomes; None where nothing is said about them."""

    @abstractmethod
    def read_file(self, path: Path) -> npt.NDArray[Any]:
        """Read a label, `(height, width)` or several values of a pixel in front of that."""

    def fits(self, sample: Sample, shape: Shape) -> None:
        """Hold the size of the label against that of its image.

        Raises:
            DataError: they differ.
        """
        if sample.label is not None:
            label = read_info(sample.label, georeference=False)
            _require_equal_sizes(sample, shape, (label.height, label.width))

    def read(self, sample: Sample, shape: Shape) -> Arrays:
        """Read the label of a sample, if it has one.

        Raises:
            DataError: it has another size than its image, or cannot be used.
        """
        if sample.label is None:
            return {}
        mask = self.read_file(sample.label)
        _require_equal_sizes(sample, shape, mask.shape)
        return {"mask": mask}

    def blank(self, sample: Sample, height: int, width: int) -> Arrays:
        """A mask of zeros where the sample has a label."""
        return {} if sample.label is None else {"mask": np.zeros((height, width), self.dtype)}

    def moving(self) -> "MovingMask":
        """Masks move with the image; pixels that a transform leaves empty have no label."""
        from isthmus.transforms.masks import MovingMask

        return MovingMask(self.fill)


def _require_equal_sizes(sample: Sample, shape: Shape, label: Sequence[int]) -> None:
    if tuple(shape[-2:]) != tuple(label[-2:]):
        raise DataError(
            f"{sample.image} is {_show(shape[-2:])} pixels (height x width), but its label {sample.label} is "
            f"{_show(label[-2:])}; they must be equal"
        )


def _show(shape: Sequence[int]) -> str:
    return " x ".join(str(size) for size in shape)
