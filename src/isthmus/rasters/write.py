"""Maps as GeoTIFFs: at the place of the image, with the legend inside, and there whole or not at all.

A class map is an unsigned integer, as small as its classes and one value for nodata allow; scores and quantities are
float32 with NaN for nodata. Names of classes and colours are in the file itself: as a colour table and band tags
`CLASS_<i>`, or as the descriptions of the bands, with their units. GDAL keeps category names, from which GIS programs
make a legend, only beside a GeoTIFF, so they are written there too (`.aux.xml`).
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from isthmus._version import VERSION
from isthmus.atomic import atomic_path, write_text
from isthmus.errors import RasterError
from isthmus.rasters.frame import Frame

Colour = tuple[int, int, int]

_TILE = 256
_LARGE = 1024  # from this side on a file is read in parts, and tiles pay


@dataclass(frozen=True, slots=True)
class Legend:
    """What a map says of its values.

    Attributes:
        dtype: of all bands, in numpy's names.
        nodata: the value of pixels without data.
        descriptions: what each band is called.
        units: the unit of each band, empty where there is none.
        categories: the names of the values 0, 1 and so on of a map of classes; it then holds no other value.
        colours: (red, green, blue, alpha) by value.
        tags: what else is said of the first band.
    """

    dtype: str
    nodata: float
    descriptions: tuple[str, ...]
    units: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    colours: Mapping[int, tuple[int, int, int, int]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def class_dtype(num_classes: int) -> tuple[str, int]:
    """The smallest unsigned integer for so many classes and nodata, and the value of nodata: its largest.

    >>> class_dtype(2), class_dtype(256)
    (('uint8', 255), ('uint16', 65535))
    """
    for name in ("uint8", "uint16", "uint32"):
        largest = int(np.iinfo(name).max)
        if num_classes <= largest:
            return name, largest
    raise RasterError(f"{num_classes} classes do not fit into a map")


def class_legend(names: Sequence[str], colours: Sequence[Colour] | None = None) -> Legend:
    """The legend of one band of classes.

    Args:
        names: of the classes.
        colours: (red, green, blue) of each class, each 0 to 255. A TIFF has room for them up to 16 bits.
    """
    dtype, nodata = class_dtype(len(names))
    table = {}
    if colours is not None and dtype in ("uint8", "uint16"):
        table = {index: (*colour, 255) for index, colour in enumerate(colours)} | {nodata: (0, 0, 0, 0)}
    tags = {f"CLASS_{index}": name for index, name in enumerate(names)}
    return Legend(dtype, nodata, ("class",), categories=tuple(names), colours=table, tags=tags)


def flag_legend(names: Sequence[str]) -> Legend:
    """The legend of one band a class that is true (1) or not (0) there."""
    return Legend("uint8", 255, tuple(names))


def value_legend(names: Sequence[str], units: Sequence[str] | None = None) -> Legend:
    """The legend of one band of numbers for each name: scores of classes, or quantities with their units."""
    return Legend("float32", float("nan"), tuple(names), units=tuple(units or ()))


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
