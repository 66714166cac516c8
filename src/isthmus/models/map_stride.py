"""How many pixels lie between two cells of a map."""

import math
from collections.abc import Sequence

from isthmus.errors import ShapeError


def map_stride(image_size: Sequence[int], map_size: Sequence[int]) -> int:
    """How many pixels lie between two cells of a map.

    A map of stride s has `ceil(size / s)` cells along each axis: those that lie in the image.

    >>> map_stride((240, 320), (120, 160)), map_stride((101, 75), (26, 19))
    (2, 4)

    Args:
        image_size: (height, width) of the image.
        map_size: (height, width) of the map.

    Raises:
        ShapeError: no whole number of pixels fits, or it differs between the axes, or several would do.
    """
    exact = {size / cells for size, cells in zip(image_size, map_size, strict=True)}
    if len(exact) == 1 and (stride := exact.pop()).is_integer():
        return int(stride)
    fitting = set.intersection(*(_strides(size, cells) for size, cells in zip(image_size, map_size, strict=True)))
    if len(fitting) != 1:
        found = f"all of {sorted(fitting)} do" if fitting else "none does"
        raise ShapeError(
            f"the model gives maps of {tuple(map_size)} for images of {tuple(image_size)} (height, width); expected "
            f"one whole number of pixels from cell to cell along both axes, but {found}. Images whose sides are "
            "multiples of what the model reduces them by always fit"
        )
    return fitting.pop()


def _strides(size: int, cells: int) -> set[int]:
    """Every s for which `ceil(size / s)` is the number of cells."""
    highest = size if cells == 1 else math.ceil(size / (cells - 1)) - 1
    return set(range(math.ceil(size / cells), highest + 1))
