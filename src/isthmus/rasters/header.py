"""What a raster says about itself, read without its pixels."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rasterio
from rasterio.crs import CRS
from rasterio.env import env_ctx_if_needed
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import Affine

from isthmus.errors import RasterError


class PixelReader(DatasetReader):
    """A dataset opened for its pixels alone: where it lies on the Earth is not looked up.

    Looking it up is most of the cost of opening a small file, and warns where there is nothing to find.
    """

    def read_transform(self) -> list[float]:
        """The identity, as the six coefficients in GDAL's order."""
        return [0.0, 1.0, 0.0, 0.0, 0.0, 1.0]

    def read_crs(self) -> None:
        """No reference system."""


@dataclass(frozen=True, slots=True)
class RasterInfo:
    """The header of a raster.

    Attributes:
        path: the file.
        width: columns.
        height: rows.
        count: bands.
        dtype: the data type of the first band, in numpy's names.
        nodata: the value that stands for missing data, if the file declares one; may be NaN.
        descriptions: the name of each band, None where it has none.
        crs: the coordinate reference system; None where there is none or it was not read.
        transform: from (column, row) to coordinates; None where there is none or it was not read.
    """

    path: Path
    width: int
    height: int
    count: int
    dtype: str
    nodata: float | None = None
    descriptions: tuple[str | None, ...] = ()
    crs: CRS | None = None
    transform: Affine | None = None


def explain(path: Path, error: BaseException | None = None) -> str:
    """Why `path` cannot be read as a raster, as far as the file itself tells."""
    if path.is_symlink() and not path.exists():
        return f"{path} is a symbolic link to {path.readlink()}, which does not exist"
    if not path.exists():
        return f"{path} does not exist"
    if path.is_dir():
        return f"{path} is a folder; a raster file was expected"
    if path.stat().st_size == 0:
        return f"{path} is empty (0 bytes)"
    detail = f": {error.__cause__ or error}" if error is not None else ""
    return f"{path} cannot be read as a raster; it is truncated, damaged or of a format that GDAL does not know{detail}"


@contextmanager
def open_pixels(path: Path) -> Iterator[Any]:
    """Open a raster for its pixels, for the length of a `with` statement.

    Raises:
        RasterError: the file is missing, empty, or not a raster.
    """
    with env_ctx_if_needed():
        try:
            source = PixelReader(str(path), sharing=False)
        except RasterioError as error:
            raise RasterError(explain(path, error)) from error
        with source:
            yield source


def read_info(path: str | Path, *, georeference: bool = True) -> RasterInfo:
    """Read the header of a raster.

    Args:
        path: the file.
        georeference: whether to read the reference system and the transform too, which takes several times as long.

    Raises:
        RasterError: the file is missing, empty, not a raster, or a GeoTIFF that ends before its pixels do.
    """
    path = Path(path)
    if not georeference:
        with open_pixels(path) as source:
            _refuse_truncated(path, source)
            return _info(path, source, None, None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path, sharing=False) as source:
                _refuse_truncated(path, source)
                transform = None if source.transform.is_identity else source.transform
                return _info(path, source, source.crs, transform)
    except RasterioError as error:
        raise RasterError(explain(path, error)) from error


def _refuse_truncated(path: Path, source: Any) -> None:
    """Hold the place of the last block of a GeoTIFF against the size of the file."""
    if source.driver != "GTiff" or not source.count:
        return
    rows, columns = source.block_shapes[-1]
    last = f"{(source.width - 1) // columns}_{(source.height - 1) // rows}"
    place = [
        source.get_tag_item(f"{item}_{last}", "TIFF", bidx=source.count) for item in ("BLOCK_OFFSET", "BLOCK_SIZE")
    ]
    if None not in place and path.exists() and sum(int(number) for number in place) > path.stat().st_size:
        raise RasterError(
            f"{path} is truncated: its last block ends at byte {sum(map(int, place))}, but the file has "
            f"{path.stat().st_size} bytes"
        )


def _info(path: Path, source: Any, crs: CRS | None, transform: Affine | None) -> RasterInfo:
    dtypes: Sequence[str] = source.dtypes
    return RasterInfo(
        path,
        source.width,
        source.height,
        source.count,
        dtypes[0] if dtypes else "",
        source.nodata,
        tuple(source.descriptions),
        crs,
        transform,
    )
