"""The landscape as files: one raster of all of it, and chips for training, validation and testing."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine

from isthmus.atomic import atomic_path
from isthmus.demo.landscape import IGNORE, NODATA, Landscape

CHIP = 128
"""The side of a chip in pixels."""


@dataclass(frozen=True)
class Block:
    """The part of the landscape, from one column to another, that serves one purpose.

    Attributes:
        name: train, val or test.
        first: the first column.
        last: the first column behind it.
        stride: the distance between neighbouring chips; they overlap where it is less than `CHIP`.
    """

    name: str
    first: int
    last: int
    stride: int = CHIP

    @property
    def columns(self) -> slice:
        """The columns of the block."""
        return slice(self.first, self.last)

    def corners(self, height: int) -> Iterator[tuple[int, int]]:
        """The row and the column where each chip begins."""
        for row in range(0, height - CHIP + 1, self.stride):
            for column in range(self.first, self.last - CHIP + 1, self.stride):
                yield row, column


BLOCKS = (Block("train", 0, 512, stride=64), Block("val", 512, 640), Block("test", 640, 1024))


def write_landscape(landscape: Landscape, folder: Path) -> tuple[Path, Path]:
    """Write the image and the truth as a GeoTIFF each.

    Returns:
        The path of the image and that of the truth.
    """
    image, truth = folder / "landscape.tif", folder / "truth.tif"
    transform = _moved(landscape, 0, 0)
    _write(image, landscape.image, landscape, transform)
    _write(truth, landscape.labels[None], landscape, transform)
    return image, truth


def write_chips(landscape: Landscape, folder: Path) -> dict[str, int]:
    """Cut chips out of every block and write them into `<block>/images` and `<block>/labels`.

    Returns:
        How many there are in each block.
    """
    counts = {}
    for block in BLOCKS:
        corners = list(block.corners(landscape.labels.shape[0]))
        for row, column in corners:
            transform = _moved(landscape, row, column)
            name = f"{row:04d}_{column:04d}.tif"
            window = (slice(None), slice(row, row + CHIP), slice(column, column + CHIP))
            _write(folder / block.name / "images" / name, landscape.image[window], landscape, transform)
            _write(folder / block.name / "labels" / name, landscape.labels[None][window], landscape, transform)
        counts[block.name] = len(corners)
    return counts


def _moved(landscape: Landscape, row: int, column: int) -> Affine:
    """The transform of a window that begins at a row and a column."""
    a, b, east, d, e, north = landscape.transform
    return Affine(a, b, east + a * column + b * row, d, e, north + d * column + e * row)


def _write(path: Path, pixels: NDArray[Any], landscape: Landscape, transform: Affine) -> None:
    is_truth = pixels.dtype == np.uint8
    profile = {
        "driver": "GTiff",
        "count": pixels.shape[0],
        "height": pixels.shape[1],
        "width": pixels.shape[2],
        "dtype": pixels.dtype.name,
        "crs": landscape.crs,
        "transform": transform,
        "nodata": IGNORE if is_truth else NODATA,
        "compress": "deflate",
    }
    with atomic_path(path) as temporary, rasterio.open(temporary, "w", **profile) as target:
        target.write(pixels)
        for index, name in enumerate(["class"] if is_truth else landscape.bands, 1):
            target.set_band_description(index, name)
