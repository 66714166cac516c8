"""The classes of a task: how many there are, their names and their colours; without torch.

Each may be said in several places, in Python as in a configuration: here is what follows from them, and what
contradicts.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from isthmus.errors import ArgumentError, Fault
from isthmus.registry.kinds import Arguments
from isthmus.specs import Classes, Scope
from isthmus.specs.outputs import Colour
from isthmus.tasks.declaring import DATA, MODEL_ARGS, TASK, is_listed, model_args


def count_classes(task: Arguments) -> int | None:
    """How many classes a task has, from the first argument that says it; None where none does."""
    return next((count for count in _said(task).values() if isinstance(count, int)), None)


def class_names(task: Arguments) -> list[str]:
    """The names of the classes of a task, their numbers where they have none; empty where nobody says how many."""
    names = task.get("class_names")
    return list(map(str, names if is_listed(names) else range(count_classes(task) or 0)))


def classes_of(task: Arguments, scope: Scope = Scope.PIXEL) -> Classes:
    """What the numbers of a task with classes mean.

    Args:
        task: `num_classes`, `class_names`, `model_args.num_classes`, one of them at least; `class_colors` and
            `class_weights`.
        scope: whether every pixel has a class or a whole image.

    Raises:
        ArgumentError: the number of classes is not known or said differently, there are fewer than two, or there is not
            one colour or weight a class.
    """
    counts = {where: count for where, count in _said(task).items() if count is not None}
    if not counts:
        raise ArgumentError(
            "the number of classes is not known: give num_classes, class_names or both", argument="num_classes"
        )
    where, count = next(iter(counts.items()))
    for other in [other for other in counts if counts[other] != count]:
        raise ArgumentError(f"the number of classes is said differently: {counts}", argument=other)
    if count < 2:
        raise ArgumentError(
            f"num_classes is {count}; a task has two classes or more, the background included", argument=where
        )
    for name in ("class_weights", "class_colors"):
        given = task.get(name)
        if given is not None and len(given) != count:
            raise ArgumentError(f"{len(given)} {name} are given for {count} classes", argument=name)
    return Classes(tuple(class_names(task)), _colours(task.get("class_colors")), scope)


def class_faults(task: Arguments, data: Arguments) -> Iterator[Fault]:
    """Every place of a configuration that says another number of classes than the first."""
    names = ("num_classes", "class_names")
    said = {f"{TASK}.{place}": count for place, count in _said(task).items()}
    said |= {f"{DATA}.{name}": _count(data.get(name)) for name in names}
    said |= {f"{TASK}.{name}": _count(task.get(name)) for name in ("class_weights", "class_colors")}
    counts = {key: count for key, count in said.items() if isinstance(count, int)}
    if not any(key.endswith(names) for key in counts) and task.get("model") is None:
        yield Fault(f"{MODEL_ARGS}.num_classes", "is missing; give num_classes, or class_names in the task")
    if not counts:
        return
    reference = next(iter(counts))
    for key, count in counts.items():
        if count != counts[reference]:
            verb = "is" if key.endswith("num_classes") else "has the length"
            yield Fault(key, f"{verb} {count}, but {reference} says {counts[reference]} classes")


def _said(task: Arguments) -> dict[str, Any]:
    """The number of classes by the place that says it."""
    return {
        "model_args.num_classes": model_args(task).get("num_classes"),
        "num_classes": task.get("num_classes"),
        "class_names": _count(task.get("class_names")),
    }


def _count(said: Any) -> Any:
    return len(said) if is_listed(said) else said if isinstance(said, int) else None


def _colours(given: Sequence[str | Sequence[int]] | None) -> tuple[Colour, ...] | None:
    return None if given is None else tuple(map(_parse, given))


def _parse(colour: str | Sequence[int]) -> Colour:
    """(red, green, blue), each 0 to 255, from `#rrggbb` or a triple."""
    if isinstance(colour, str):
        if re.fullmatch("#[0-9a-fA-F]{6}", colour):
            red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
            return red, green, blue
    elif len(colour) == 3 and all(isinstance(value, int) and 0 <= value <= 255 for value in colour):
        return colour[0], colour[1], colour[2]
    raise ArgumentError(
        f"the class colour {colour!r} is neither '#rrggbb' nor three numbers from 0 to 255", argument="class_colors"
    )
