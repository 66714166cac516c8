"""Arguments that backbones of every family take, in the one form that their constructors want."""

from collections.abc import Sequence

from isthmus.bands import expand_bands
from isthmus.errors import ArgumentError


def image_bands(
    bands: Sequence[str | int | Sequence[int]] | None, in_chans: int | None, default: Sequence[str | int]
) -> list[str | int]:
    """The bands of the images, however they were given.

    Args:
        bands: names, integers and intervals; None where they are told by `in_chans`, or by nothing.
        in_chans: the number of bands, where they have no names.
        default: the bands that the backbone was made for.

    Raises:
        ArgumentError: both were given and contradict each other.
    """
    if bands is None:
        return list(default) if in_chans in (None, len(default)) else list(range(in_chans))
    flat = expand_bands(bands)
    if in_chans not in (None, len(flat)):
        raise ArgumentError(f"in_chans is {in_chans}, but bands lists {len(flat)}: {list(bands)}; leave in_chans out")
    return flat


def pair(size: int | Sequence[int], name: str) -> tuple[int, int]:
    """Height and width, given as one number for both or as two.

    Raises:
        ArgumentError: there are neither one nor two numbers; it calls the argument by `name`.
    """
    if isinstance(size, int):
        return size, size
    if len(size) != 2:
        raise ArgumentError(f"{name} is {list(size)}: one number, or height and width, were expected")
    return size[0], size[1]


def feature_indices(out_indices: Sequence[int] | None, depth: int) -> list[int]:
    """Which blocks give a feature, counted from the first; every block where nothing was chosen.

    Raises:
        ArgumentError: a block that is not there, or an empty choice.
    """
    if out_indices is None:
        return list(range(depth))
    wrong = [index for index in out_indices if not -depth <= index < depth]
    if wrong or not out_indices:
        raise ArgumentError(
            f"out_indices is {list(out_indices)}, but the encoder has {depth} blocks: numbers from {-depth} to "
            f"{depth - 1} were expected"
        )
    return [index % depth for index in out_indices]
