"""What a map says of its values, as data.

A class map is an unsigned integer, as small as its classes and one value for nodata allow; scores and quantities are
float32 with NaN for nodata.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from isthmus.errors import RasterError

Colour = tuple[int, int, int]


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
