"""The frame that a map takes over from the image it was made of: size, georeferencing, and where there was no data."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.enums import MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from isthmus.errors import RasterError
from isthmus.rasters.header import explain
from isthmus.rasters.read import pixels_of


@dataclass(frozen=True, slots=True)
class Frame:
    """What a map takes over from an image.

    Attributes:
        path: the image.
        height: its rows.
        width: its columns.
        georeference: what there is of `crs`, `transform`, `gcps` and `rpcs`, as rasterio takes them; empty for an
            image that lies nowhere.
        missing: `(height, width)`, true where the image has no data; None where it has data everywhere.
    """

    path: Path
    height: int
    width: int
    georeference: dict[str, Any] = field(default_factory=dict)
    missing: npt.NDArray[np.bool_] | None = None


def read_frame(path: str | Path, bands: Sequence[int] | None = None, time_steps: int = 1) -> Frame:
    """Read the frame of an image.

    A pixel has no data where any band that the model looked at has none: its nodata value, NaN, or outside the mask
    of the file. What the model would say there rests on an invented value. In a time series a pixel has data as long
    as one time step is complete. Bands that the model did not look at do not matter.

    Args:
        path: the image.
        bands: the bands that the model looked at, counted from 0, all time steps of a band together; all where None.
        time_steps: how many time steps they hold.

    Raises:
        RasterError: the file cannot be read.
        BandError: a band that the file does not have.
    """
    path = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path, sharing=False) as source:
                missing = _missing(source, range(source.count) if bands is None else bands, time_steps)
                return Frame(path, source.height, source.width, _georeference(source), missing)
    except RasterioError as error:
        raise RasterError(explain(path, error)) from error


def _georeference(source: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    points, points_crs = source.gcps
    if points:
        found |= {"gcps": points, "crs": points_crs}
    elif not source.transform.is_identity:
        found["transform"] = source.transform
    if source.crs is not None:
        found["crs"] = source.crs
    if source.rpcs is not None:
        found["rpcs"] = source.rpcs
    return found


def _missing(source: Any, bands: Sequence[int], time_steps: int) -> npt.NDArray[np.bool_] | None:
    if not _may_miss_data(source, bands):
        return None
    lacking = np.isnan(pixels_of(source, bands))
    by_step = lacking.reshape(-1, time_steps, *lacking.shape[1:]).any(0)
    missing = np.asarray(by_step.all(0))
    return missing if missing.any() else None


def _may_miss_data(source: Any, bands: Sequence[int]) -> bool:
    """Whether the header leaves it open that pixels have no data, so that they must be read."""
    if any(np.dtype(source.dtypes[band]).kind == "f" for band in bands if band < source.count):
        return True
    return any(MaskFlags.all_valid not in flags for flags in source.mask_flag_enums)
