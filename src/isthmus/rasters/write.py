"""Maps as GeoTIFFs: at the place of the image, with the legend inside, and there whole or not at all.

Names and colours of classes are in the file itself: as a colour table and band tags `CLASS_<i>`, or as the descriptions
of the bands, with their units. GDAL keeps category names, from which GIS programs
make a legend, only beside a GeoTIFF, so they are written there too (`.aux.xml`).
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy.typing as npt
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from isthmus._version import VERSION
from isthmus.atomic import atomic_path, write_text
from isthmus.errors import RasterError
from isthmus.rasters.frame import Frame
from isthmus.rasters.legend import Legend

_TILE = 256
_LARGE = 1024  # from this side on a file is read in parts, and tiles pay


def write_map(path: str | Path, values: npt.NDArray[Any], frame: Frame, legend: Legend) -> None:
    """Write a map.

    Args:
        path: where to; an existing file is replaced, with what GDAL keeps beside it.
        values: `(height, width)`, or `(bands, height, width)`.
        frame: of the image; where it has no data, the map has nodata.
        legend: what the values are.

    Raises:
        RasterError: the map has another size than the image, another number of bands than the legend, holds something
            that is no class, or cannot be written.
    """
    bands = values if values.ndim == 3 else values[None]
    _check(bands, frame, legend)
    bands = bands.astype(legend.dtype)
    if frame.missing is not None:
        bands[:, frame.missing] = legend.nodata
    _write(path, bands, frame, legend)
    beside = Path(f"{path}.aux.xml")
    if legend.categories:
        write_text(beside, _categories(legend.categories))
    else:
        beside.unlink(missing_ok=True)  # of an earlier map of classes


def describe(target: Any, legend: Legend) -> None:
    """Put a legend into a raster that is open for writing and has no pixels yet."""
    if legend.colours:
        target.write_colormap(1, dict(legend.colours))
    for index, description in enumerate(legend.descriptions, 1):
        target.set_band_description(index, description)
    for index, unit in enumerate(legend.units, 1):
        target.set_band_unit(index, unit)
    target.update_tags(TIFFTAG_SOFTWARE=f"Isthmus {VERSION}")
    target.update_tags(1, **legend.tags)


def _check(bands: npt.NDArray[Any], frame: Frame, legend: Legend) -> None:
    count, height, width = bands.shape
    if (height, width) != (frame.height, frame.width):
        raise RasterError(
            f"the prediction of {frame.path} has {height} x {width} pixels (height x width), but the image has "
            f"{frame.height} x {frame.width}; a map takes over the place of its image and must have its size. Crop or "
            "resize images when training only, not when predicting"
        )
    if count != len(legend.descriptions):
        raise RasterError(
            f"the prediction of {frame.path} has {count} bands, but {len(legend.descriptions)} were expected: "
            f"{', '.join(legend.descriptions)}"
        )
    if legend.categories and bands.size and not 0 <= int(bands.min()) <= int(bands.max()) < len(legend.categories):
        raise RasterError(
            f"the map of {frame.path} holds the values {bands.min()} to {bands.max()}; "
            f"there are the classes 0 to {len(legend.categories) - 1}"
        )


def _write(path: str | Path, bands: npt.NDArray[Any], frame: Frame, legend: Legend) -> None:
    profile = _profile(bands, legend.nodata) | frame.georeference
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with atomic_path(path) as temporary, rasterio.open(temporary, "w", **profile) as target:
                describe(target, legend)
                target.write(bands)
    except (RasterioError, OSError) as error:
        raise RasterError(f"{path} cannot be written: {error.__cause__ or error}") from error


def _profile(values: npt.NDArray[Any], nodata: float) -> dict[str, Any]:
    count, height, width = values.shape
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "count": count,
        "height": height,
        "width": width,
        "dtype": values.dtype.name,
        "nodata": nodata,
        "compress": "deflate",
        "predictor": 3 if values.dtype.kind == "f" else 2,
        "bigtiff": "if_safer",
    }
    if max(height, width) >= _LARGE:
        profile |= {"tiled": True, "blockxsize": _TILE, "blockysize": _TILE}
    return profile


def _categories(class_names: Sequence[str]) -> str:
    items = "\n".join(f"      <Category>{escape(name)}</Category>" for name in class_names)
    return f"""<PAMDataset>
  <PAMRasterBand band="1">
    <CategoryNames>
{items}
    </CategoryNames>
  </PAMRasterBand>
</PAMDataset>
"""
