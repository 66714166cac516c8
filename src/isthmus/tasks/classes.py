"""The classes of a task: how many there are, their names and their colours."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from isthmus.errors import ArgumentError

Colour = tuple[int, int, int]


def count_classes(
    num_classes: int | None, class_names: Sequence[str] | None, model_args: Mapping[str, Any] | None
) -> int:
    """The number of classes, from whichever of the three says it.

    Raises:
        ArgumentError: none says it, they disagree, or there are fewer than two.
    """
    said = {
        "num_classes": num_classes,
        "class_names": None if class_names is None else len(class_names),
        "model_args.num_classes": (model_args or {}).get("num_classes"),
    }
    counts = {where: count for where, count in said.items() if count is not None}
    if not counts:
        raise ArgumentError("the number of classes is not known: give num_classes, class_names or both")
    if len(set(counts.values())) > 1:
        raise ArgumentError(f"the number of classes is said differently: {counts}")
    count = next(iter(counts.values()))
    if count < 2:
        raise ArgumentError(f"num_classes is {count}; a segmentation has two classes or more, the background included")
    return int(count)


def parse_colours(colours: Sequence[str | Sequence[int]] | None, num_classes: int) -> list[Colour] | None:
    """One (red, green, blue) a class, each 0 to 255, from `#rrggbb` or triples.

    Raises:
        ArgumentError: a colour cannot be read, or there is not one a class.
    """
    if colours is None:
        return None
    if len(colours) != num_classes:
        raise ArgumentError(f"{len(colours)} class_colors are given for {num_classes} classes")
    return [_parse(colour) for colour in colours]


def _parse(colour: str | Sequence[int]) -> Colour:
    if isinstance(colour, str):
        if re.fullmatch("#[0-9a-fA-F]{6}", colour):
            red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
            return red, green, blue
    elif len(colour) == 3 and all(isinstance(value, int) and 0 <= value <= 255 for value in colour):
        return colour[0], colour[1], colour[2]
    raise ArgumentError(f"the class colour {colour!r} is neither '#rrggbb' nor three numbers from 0 to 255")
