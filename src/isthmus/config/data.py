"""Checking the data of a configuration: its files, and whether the task can be trained on them."""

from collections.abc import Iterator, Mapping
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
        for fault in kind.load_source().check(arguments_of(config, "data"), _STAGES[subcommand]):
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


def _told(kind: DatamoduleKind, init: Mapping[str, Any]) -> Mapping[str, Any]:
    """What only the files tell; empty where they cannot be read, which is a fault of its own."""
    try:
        told: Mapping[str, Any] = kind.load_source().from_arguments(init).told()
    except (IsthmusError, OSError):
        return {}
    return told
