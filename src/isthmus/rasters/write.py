"""Maps as GeoTIFFs: at the place of the image, with the legend inside, and there whole or not at all.

A class map is an unsigned integer, as small as its classes and one value for nodata allow; scores are float32 with NaN
for nodata. Names of classes and colours are in the file itself: as a colour table and band tags `CLASS_<i>`, or as the
descriptions of the bands. GDAL keeps category names, from which GIS programs make a legend, only beside a GeoTIFF, so
they are written there too (`.aux.xml`).
"""

import warnings
from collections.abc import Sequence
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


def write_class_map(
    path: str | Path,
    classes: npt.NDArray[np.integer[Any]],
    frame: Frame,
    class_names: Sequence[str],
    class_colors: Sequence[Colour] | None = None,
) -> None:
    """Write a map of classes.

    Args:
        path: where to; an existing file is replaced.
        classes: `(height, width)`, values from 0 to the number of classes less one.
        frame: of the image; where it has no data, the map has nodata.
        class_names: the name of each class.
        class_colors: (red, green, blue) of each class, each 0 to 255.

    Raises:
        RasterError: the map has another size than the image, holds something that is no class, or cannot be written.
    """
    _check_size(classes, frame)
    dtype, nodata = class_dtype(len(class_names))
    if classes.size and not 0 <= int(classes.min()) <= int(classes.max()) < len(class_names):
        raise RasterError(
            f"the map of {frame.path} holds the values {classes.min()} to {classes.max()}; "
            f"there are the classes 0 to {len(class_names) - 1}"
        )
    values = classes.astype(dtype)
    if frame.missing is not None:
        values[frame.missing] = nodata
    colours = None
    if class_colors is not None and dtype in ("uint8", "uint16"):
        colours = {index: (*colour, 255) for index, colour in enumerate(class_colors)} | {nodata: (0, 0, 0, 0)}
    tags = {f"CLASS_{index}": name for index, name in enumerate(class_names)}
    _write(path, values[None], frame, nodata, ["class"], tags=tags, colours=colours)
    write_text(f"{path}.aux.xml", _categories(class_names))


def write_scores(
    path: str | Path, scores: npt.NDArray[np.floating[Any]], frame: Frame, class_names: Sequence[str]
) -> None:
    """Write one band of scores (logits or probabilities) a class, as float32 with NaN for nodata.

    Args:
        path: where to; an existing file is replaced.
        scores: `(classes, height, width)`.
        frame: of the image; where it has no data, the scores are nodata.
        class_names: the name of each class, which becomes the description of its band.

    Raises:
        RasterError: the scores have another size than the image, another number than the names, or cannot be written.
    """
    _check_size(scores, frame)
    if len(scores) != len(class_names):
        raise RasterError(f"there are {len(scores)} bands of scores of {frame.path}, but {len(class_names)} classes")
    values = scores.astype(np.float32)
    if frame.missing is not None:
        values[:, frame.missing] = np.nan
    _write(path, values, frame, float("nan"), class_names)


def _check_size(values: npt.NDArray[Any], frame: Frame) -> None:
    height, width = values.shape[-2:]
    if (height, width) != (frame.height, frame.width):
        raise RasterError(
            f"the prediction of {frame.path} has {height} x {width} pixels (height x width), but the image has "
            f"{frame.height} x {frame.width}; a map takes over the place of its image and must have its size. Crop or "
            "resize images when training only, not when predicting"
        )


def _write(
    path: str | Path,
    values: npt.NDArray[Any],
    frame: Frame,
    nodata: float,
    descriptions: Sequence[str],
    *,
    tags: dict[str, str] | None = None,
    colours: dict[int, tuple[int, int, int, int]] | None = None,
) -> None:
    profile = _profile(values, nodata) | frame.georeference
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with atomic_path(path) as temporary, rasterio.open(temporary, "w", **profile) as target:
                if colours is not None:
                    target.write_colormap(1, colours)
                target.write(values)
                for index, description in enumerate(descriptions, 1):
                    target.set_band_description(index, description)
                target.update_tags(TIFFTAG_SOFTWARE=f"Isthmus {VERSION}")
                target.update_tags(1, **(tags or {}))
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
