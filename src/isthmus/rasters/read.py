"""Chips as arrays: the wanted bands of a small raster, read whole and once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.enums import MaskFlags
from rasterio.errors import RasterioError

from isthmus.errors import BandError, RasterError
from isthmus.rasters.header import explain, open_pixels


def read_bands(path: str | Path, bands: Sequence[int] | None = None) -> npt.NDArray[np.float32]:
    """Read bands as float32, with NaN where there is no data.

    Args:
        path: the file.
        bands: which bands, counted from 0 and in this order; all where None.

    Returns:
        The pixels, `(bands, height, width)`. Missing are those equal to the nodata value of the file or outside its
        mask, if it has one.

    Raises:
        RasterError: the file is missing, empty, truncated, or not a raster.
        BandError: a band that the file does not have.
    """
    with open_pixels(Path(path)) as source:
        return pixels_of(source, range(source.count) if bands is None else bands)


def pixels_of(source: Any, bands: Sequence[int]) -> npt.NDArray[np.float32]:
    """The same as `read_bands`, from a raster that is open already."""
    native, missing = native_pixels_of(source, bands)
    pixels = native.astype(np.float32, copy=False)
    if missing is not None:
        pixels[missing] = np.nan
    return pixels


def native_pixels_of(source: Any, bands: Sequence[int]) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]:
    """The bands of an open raster in the data type of the file, and where data are missing.

    Returns:
        The pixels `(bands, height, width)`, and a mask of the same shape that is true where the file says that there
        are no data; None where it says nothing of the kind, or where that is NaN, which the pixels show themselves.

    Raises:
        RasterError: the file is truncated or damaged.
        BandError: a band that the file does not have.
    """
    _check_bands(source, bands)
    indexes = [band + 1 for band in bands]
    try:
        native = source.read(indexes)
        missing = _missing(source, native, indexes)
    except RasterioError as error:
        raise RasterError(explain(Path(source.name), error)) from error
    return native, missing


def _missing(source: Any, native: npt.NDArray[Any], indexes: list[int]) -> npt.NDArray[np.bool_] | None:
    nodata = source.nodata
    if nodata is not None and not np.isnan(nodata):
        return _equals(native, nodata)
    flags = source.mask_flag_enums[0]
    if MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags:
        return np.asarray(source.read_masks(indexes) == 0)
    return None


def _equals(native: npt.NDArray[Any], value: float) -> npt.NDArray[np.bool_] | None:
    if native.dtype.kind == "f":
        return np.asarray(native == native.dtype.type(value))
    limits = np.iinfo(native.dtype)
    if not (float(value).is_integer() and limits.min <= value <= limits.max):
        return None
    return np.asarray(native == native.dtype.type(int(value)))


def _check_bands(source: Any, bands: Sequence[int]) -> None:
    absent = [band for band in bands if not 0 <= band < source.count]
    if absent:
        raise BandError(
            f"{source.name} has {source.count} band(s), counted from 0; there is no band {', '.join(map(str, absent))}"
        )
