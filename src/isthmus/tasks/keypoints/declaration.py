"""What a configuration must know of the keypoint task; without torch."""

from collections.abc import Iterator

from isthmus.errors import Fault
from isthmus.registry.kinds import Arguments, TaskKind
from isthmus.specs import Points
from isthmus.tasks.declaring import MODEL_ARGS, logged_losses, model_args

_OF_POSES = ("mean_error", "median_error", "missed", "extra")
_OF_OBJECTS = ("precision", "recall", "F1", "mean_error", "count_error")
PIXELS = (2.0, 5.0, 10.0)
"""The distances at which PCK is given where nothing is said."""


def _names(task: Arguments) -> list[str]:
    names = task.get("point_names")
    return [str(name) for name in names] if isinstance(names, list) else []


def count_maps(task: Arguments) -> int | None:
    """How many maps the model gives: one a point and, with offsets, two more; None where that is not known."""
    names = _names(task)
    return len(names) * (3 if task.get("offsets") is True else 1) if names else None


def _logged(task: Arguments) -> Iterator[str]:
    points = _names(task)
    yield "loss"
    if task.get("max_instances", 1) == 1:
        given = task.get("pck_thresholds")
        yield from _OF_POSES
        yield from (f"PCK@{distance:g}" for distance in (given if isinstance(given, list) else PIXELS))
        yield from (f"mean_error_{point}" for point in points)
    else:
        yield from _OF_OBJECTS
        yield from (f"F1_{point}" for point in points if len(points) > 1)
    yield from logged_losses(task)
    if task.get("offsets") is True:
        yield from (f"{part}{ending}" for part in ("confidence", "offset") for ending in ("", "_epoch", "_step"))


def _faults(task: Arguments, data: Arguments) -> Iterator[Fault]:
    count = count_maps(task)
    for name in ("num_classes", "num_outputs"):
        said = model_args(task).get(name)
        if count is not None and said not in (None, count):
            yield Fault(f"{MODEL_ARGS}.{name}", f"is {said}, but the points take {count} maps")
    known, names = data.get("point_names"), _names(task)
    if isinstance(known, list) and names and known != names and len(known) + len(names) > 2:
        # a single point may be called anything
        yield Fault(
            "model.init_args.point_names",
            f"is {names}, but the data have the points {known}; they must be the same, in that order",
        )


def _output(task: Arguments) -> Points | None:
    names = _names(task)
    return Points(tuple(names), offsets=task.get("offsets") is True) if names else None


ENTRIES = (
    TaskKind(
        "KeypointTask",
        "isthmus.tasks.keypoints.task:KeypointTask",
        facts={"doc": "named points: poses, or objects marked by a point each"},
        purpose="keypoints",
        compares="confidence",
        batch="keypoints",
        counted=count_maps,
        output=_output,
        logged=_logged,
        faults=_faults,
    ),
)
