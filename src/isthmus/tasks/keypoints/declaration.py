"""What must be known of the keypoint task before torch is imported."""

from collections.abc import Iterator, Sequence
from functools import partial

from isthmus.errors import ArgumentError, Fault
from isthmus.registry.kinds import Arguments, TaskKind
from isthmus.specs import Points
from isthmus.tasks.declaring import MODEL_ARGS, TASK, as_far_as_told, logged_by_all, model_args
from isthmus.tasks.losses.choosing import loss_faults

DISTANCES = (2.0, 5.0, 10.0)
"""The distances at which PCK is given where nothing is said, in pixels."""

OF_OBJECTS = ("precision", "recall", "F1", "mean_error", "count_error")
"""The scores of objects, in the order in which they are computed."""

OFFSET_PARTS = ("confidence", "offset")
"""The parts of a loss with offsets."""

_DECISIONS = {
    "peak_threshold": "threshold",
    "max_instances": "max_instances",
    "offsets": "offsets",
    "sigma": "min_distance",  # unless that is given
    "min_distance": "min_distance",
}


def scores_of_poses(distances: Sequence[float]) -> tuple[str, ...]:
    """The scores of poses, in the order in which they are computed."""
    return ("mean_error", "median_error", *(f"PCK@{distance:g}" for distance in distances), "missed", "extra")


def points_of(task: Arguments) -> Points:
    """What the numbers of a task with points mean.

    Raises:
        ArgumentError: there is no point or one twice, a number is not above 0, or `model_args` ask for other maps.
    """
    names = list(task.get("point_names") or ())
    if not names or len(set(names)) != len(names):
        raise ArgumentError(
            f"point_names is {names}; expected at least one name, and each once", argument="point_names"
        )
    for name in ("sigma", "max_instances", "match_distance"):
        value = task.get(name)
        if value is not None and value <= 0:
            raise ArgumentError(f"{name} is {value}; more than 0 was expected", argument=name)
    decisions = {field: task[name] for name, field in _DECISIONS.items() if task.get(name) is not None}
    refine = task.get("refine") or ("offsets" if task.get("offsets") else "quadratic")
    points = Points(tuple(map(str, names)), refine=refine, **decisions)
    if model_args(task).get("image_size_out") is not None:
        where = "model_args.image_size_out"
        raise ArgumentError(f"{where}: maps of keypoints cover the whole image", argument=where)
    for name, count in _maps_said(task):
        if count != points.channels:
            offsets = " and as many offsets along x and along y" if points.offsets else ""
            raise ArgumentError(
                f"model_args.{name} is {count}, but the {len(names)} points {', '.join(points.names)} take "
                f"{points.channels} maps: one each{offsets}",
                argument=f"model_args.{name}",
            )
    return points


def _maps_said(task: Arguments) -> Iterator[tuple[str, int]]:
    for name in ("num_classes", "num_outputs"):
        if model_args(task).get(name) is not None:
            yield name, model_args(task)[name]


def _names(task: Arguments) -> list[str]:
    names = task.get("point_names")
    return [str(name) for name in names] if isinstance(names, list) else []


def count_maps(task: Arguments) -> int | None:
    """How many maps the model gives; None where that is not known."""
    names = _names(task)
    return Points(tuple(names), offsets=task.get("offsets") is True).channels if names else None


def _logged(task: Arguments) -> Iterator[str]:
    points = _names(task)
    yield "loss"
    if task.get("max_instances", 1) == 1:
        given = task.get("pck_thresholds")
        yield from scores_of_poses(given if isinstance(given, list) else DISTANCES)
        yield from (f"mean_error_{point}" for point in points)
    else:
        yield from OF_OBJECTS
        yield from (f"F1_{point}" for point in points if len(points) > 1)
    yield from OFFSET_PARTS if task.get("offsets") is True else ()
    yield from logged_by_all(task)


def _faults(task: Arguments, data: Arguments) -> Iterator[Fault]:
    yield from loss_faults(task, "confidence")
    count = count_maps(task)
    for name, said in _maps_said(task):
        if count is not None and said != count:
            yield Fault(f"{MODEL_ARGS}.{name}", f"is {said}, but the points take {count} maps")
    known, names = data.get("point_names"), _names(task)
    if isinstance(known, list) and names and known != names and len(known) + len(names) > 2:
        # a single point may be called anything
        yield Fault(
            f"{TASK}.point_names",
            f"is {names}, but the data have the points {known}; they must be the same, in that order",
        )


KEYPOINTS = TaskKind(
    "KeypointTask",
    "isthmus.tasks.keypoints.task:KeypointTask",
    facts={"doc": "named points: poses, or objects marked by a point each"},
    purpose="keypoints",
    compares="confidence",
    batch="keypoints",
    counted=count_maps,
    output=partial(as_far_as_told, points_of),
    logged=_logged,
    faults=_faults,
)

ENTRIES = (KEYPOINTS,)
