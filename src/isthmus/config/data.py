"""Checking the data of a configuration: its files, and whether the task can be trained on them."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from isthmus.config.sections import DATA, arguments_of, datamodule_kind, task_kind
from isthmus.errors import Fault, IsthmusError
from isthmus.registry.kinds import DatamoduleKind

_STAGES = {"fit": ("train", "val"), "validate": ("val",), "test": ("test",), "predict": ("predict",)}
_WITH_TRUTH = ("fit", "validate", "test")


def data_faults(config: Mapping[str, Any], subcommand: str) -> Iterator[Fault]:
    """Every fault in the data section that the files themselves show.

    Args:
        config: with full class paths.
        subcommand: what is to be run; it decides which files must be there. Nothing is read where it needs none.
    """
    kind = datamodule_kind(config)
    if kind is not None and subcommand in _STAGES:
        for fault in _check(kind, arguments_of(config, "data"), _STAGES[subcommand]):
            yield Fault(f"{DATA}.{fault.key}", fault.message)


def task_faults(config: Mapping[str, Any], subcommand: str) -> Iterator[Fault]:
    """Every contradiction within the task, and between the task and its data.

    Args:
        config: with full class paths.
        subcommand: what is to be run. What only the files tell is read where they are needed anyway.
    """
    kind, data_kind = task_kind(config), datamodule_kind(config)
    if kind is None:
        return
    data = arguments_of(config, "data")
    told = _told(data_kind, data) if data_kind is not None and subcommand in _WITH_TRUTH else {}
    yield from kind.faults(arguments_of(config, "model"), {**data, **told})


# --- to be replaced by `source.check(...)` and `source.from_arguments(...).told()` once the sources have them ---------

_CHECKS = {
    "PixelwiseSource": "isthmus.datasets.checks:check_segmentation_data",
    "KeypointSource": "isthmus.datasets.keypoint_checks:check_keypoint_data",
}


def _check(kind: DatamoduleKind, init: Mapping[str, Any], stages: Sequence[str]) -> list[Fault]:
    source = _load(kind.source)
    if hasattr(source, "check"):
        found: list[Fault] = source.check(init, stages)
        return found
    named = kind.source.partition(":")[2]
    if named == "PixelwiseSource":
        stages = [stage for stage in stages if stage != "val" or "train" not in stages or init.get("val_data_root")]
    checked: list[Fault] = _load(_CHECKS[named])(init, stages) if named in _CHECKS else []
    return checked


def _told(kind: DatamoduleKind, init: Mapping[str, Any]) -> Mapping[str, Any]:
    """What only the files tell; empty where they cannot be read, which is a fault of its own."""
    source = _load(kind.source)
    try:
        made = source.from_arguments(init)
        if hasattr(made, "told"):
            told: Mapping[str, Any] = made.told()
            return told
        return {"point_names": list(made.point_names)} if hasattr(source, "point_names") else {}
    except (IsthmusError, OSError):
        return {}


def _load(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)
