"""What the declarations of several tasks have in common; without torch."""

from collections.abc import Iterator, Mapping
from typing import Any

from isthmus.errors import Fault
from isthmus.registry.kinds import Arguments

TASK, DATA = "model.init_args", "data.init_args"
MODEL_ARGS = f"{TASK}.model_args"


def model_args(task: Arguments) -> Mapping[str, Any]:
    """The arguments of the model, empty where there are none."""
    given = task.get("model_args")
    return given if isinstance(given, Mapping) else {}


def count_classes_said(task: Arguments) -> int | None:
    """How many classes a task has, from whichever argument says it."""
    names = task.get("class_names")
    said = [task.get("num_classes"), len(names) if isinstance(names, list) else None]
    said.append(model_args(task).get("num_classes"))
    return next((count for count in said if isinstance(count, int)), None)


def class_names(task: Arguments) -> list[str]:
    """The names of the classes of a task, their numbers where they have none; empty where nobody says how many."""
    names = task.get("class_names")
    if isinstance(names, list):
        return [str(name) for name in names]
    return [str(index) for index in range(count_classes_said(task) or 0)]


def logged_losses(task: Arguments) -> Iterator[str]:
    """What is logged of the parts of a loss and of auxiliary outputs."""
    for given in (task.get("loss"), task.get("aux_loss")):
        for part in given if isinstance(given, list | dict) else ():
            yield from (f"{part}{ending}" for ending in ("", "_epoch", "_step"))


def class_faults(task: Arguments, data: Arguments) -> Iterator[Fault]:
    """Every place that says another number of classes than the first."""
    said: dict[str, Any] = {
        f"{MODEL_ARGS}.num_classes": model_args(task).get("num_classes"),
        f"{TASK}.num_classes": task.get("num_classes"),
        f"{TASK}.class_names": _length(task.get("class_names")),
        f"{DATA}.num_classes": data.get("num_classes"),
        f"{DATA}.class_names": _length(data.get("class_names")),
        f"{TASK}.class_weights": _length(task.get("class_weights")),
        f"{TASK}.class_colors": _length(task.get("class_colors")),
    }
    counts = {key: count for key, count in said.items() if isinstance(count, int)}
    if not any(key.endswith(("num_classes", "class_names")) for key in counts) and task.get("model") is None:
        yield Fault(f"{MODEL_ARGS}.num_classes", "is missing; give num_classes, or class_names in the task")
    if not counts:
        return
    reference = next(iter(counts))
    for key, count in counts.items():
        if count != counts[reference]:
            verb = "is" if key.endswith("num_classes") else "has the length"
            yield Fault(key, f"{verb} {count}, but {reference} says {counts[reference]} classes")


def _length(items: Any) -> int | None:
    return len(items) if isinstance(items, list) else None
