"""Whether the points of a keypoint task are those of its data, and as many as its model gives maps for."""

from collections.abc import Iterator, Mapping
from typing import Any

from isthmus.errors import Fault, IsthmusError

_TASK, _DATA = "isthmus.tasks.KeypointTask", "isthmus.datamodules.GenericKeypointDataModule"
_NAMES = "model.init_args.point_names"
_COMMANDS = ("fit", "validate", "test")


def count_maps(init: Mapping[str, Any]) -> int | None:
    """How many maps the model of a keypoint task gives: one a point and, with offsets, two more; None if not known."""
    names = init.get("point_names")
    return None if not isinstance(names, list) else len(names) * (3 if init.get("offsets") is True else 1)


def point_faults(config: Mapping[str, Any], subcommand: str) -> Iterator[Fault]:
    """Every contradiction between the points of the task, the maps of its model and the points of the data.

    Args:
        config: with full class paths.
        subcommand: what is to be run. The file of keypoints is read where it is needed anyway.
    """
    task, data = _arguments(config, "model", _TASK), _arguments(config, "data", _DATA)
    if task is None:
        return
    count, given = count_maps(task), task.get("model_args")
    for name in ("num_classes", "num_outputs"):
        said = given.get(name) if isinstance(given, Mapping) else None
        if count is not None and said not in (None, count):
            yield Fault(f"model.init_args.model_args.{name}", f"is {said}, but the points take {count} maps")
    names = task.get("point_names")
    if data is None or subcommand not in _COMMANDS or not isinstance(names, list):
        return
    known = _points_of_data(data)
    if known is not None and known != names and len(known) + len(names) > 2:  # a single point may be called anything
        yield Fault(_NAMES, f"is {names}, but the data have the points {known}; they must be the same, in that order")


def _points_of_data(data: Mapping[str, Any]) -> list[str] | None:
    """The names in the file of keypoints; None where it cannot be read, which is a fault of its own."""
    from isthmus.datasets.keypoint_source import KeypointSource  # imports numpy

    try:
        return list(KeypointSource.from_arguments(data).point_names)
    except (IsthmusError, OSError):
        return None


def _arguments(config: Mapping[str, Any], section: str, class_path: str) -> Mapping[str, Any] | None:
    node = config.get(section)
    if not isinstance(node, Mapping) or node.get("class_path") != class_path:
        return None
    init = node.get("init_args")
    return init if isinstance(init, Mapping) else {}
