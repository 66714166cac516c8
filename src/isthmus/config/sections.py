"""The sections of a configuration, and the declarations of the classes that they name."""

from collections.abc import Mapping
from typing import Any

from isthmus.registry import DATAMODULE_REGISTRY, TASK_REGISTRY
from isthmus.registry.kinds import DatamoduleKind, TaskKind, kind_of_class

TASK, DATA = "model.init_args", "data.init_args"
MODEL_ARGS = f"{TASK}.model_args"


def task_kind(config: Mapping[str, Any]) -> TaskKind | None:
    """The declaration of the task; None where nobody has declared it."""
    return kind_of_class(TASK_REGISTRY, _class_path(config, "model"), TaskKind)


def datamodule_kind(config: Mapping[str, Any]) -> DatamoduleKind | None:
    """The declaration of the datamodule; None where nobody has declared it."""
    return kind_of_class(DATAMODULE_REGISTRY, _class_path(config, "data"), DatamoduleKind)


def arguments_of(config: Mapping[str, Any], section: str) -> Mapping[str, Any]:
    """The arguments of the class that a section names, empty where there are none."""
    node = config.get(section)
    init = node.get("init_args") if isinstance(node, Mapping) else None
    return init if isinstance(init, Mapping) else {}


def model_args_of(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of the model, empty where there are none."""
    given = arguments_of(config, "model").get("model_args")
    return given if isinstance(given, Mapping) else {}


def _class_path(config: Mapping[str, Any], section: str) -> str:
    node = config.get(section)
    return str(node.get("class_path") or "") if isinstance(node, Mapping) else ""
