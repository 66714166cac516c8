"""Optimiser and scheduler beside a task, told to the task."""

import copy
from collections.abc import Mapping
from typing import Any

from isthmus.config.sections import task_kind

_OPTIMIZERS = "torch.optim."
_SCHEDULERS = ("torch.optim.lr_scheduler.", "lightning.pytorch.cli.")


def with_task_optimizer(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with `optimizer` and `lr_scheduler` moved into the arguments of the task.

    A declared task makes its own optimiser, with a learning rate for each part (`lr_overrides`); one made beside it
    would know nothing of them. Other tasks, and classes that are not of torch, stay as they are. What the scheduler
    monitors stays with it as `monitor`.

    Args:
        config: with full class paths.
    """
    moved = copy.deepcopy(dict(config))
    model, optimizer, scheduler = (moved.get(key) for key in ("model", "optimizer", "lr_scheduler"))
    if not isinstance(model, dict) or not isinstance(optimizer, dict):
        return moved
    if task_kind(moved) is None:
        return moved
    if not _known(optimizer, (_OPTIMIZERS,)) or not (scheduler is None or _known(scheduler, _SCHEDULERS)):
        return moved
    init = model.setdefault("init_args", {})
    hparams = dict(optimizer.get("init_args") or {})
    init["optimizer"] = _name(optimizer)
    if "lr" in hparams:
        init["lr"] = hparams.pop("lr")
    init["optimizer_hparams"] = hparams
    del moved["optimizer"]
    init.pop("scheduler", None)
    init.pop("scheduler_hparams", None)
    if scheduler is not None:
        init["scheduler"] = _name(scheduler)
        init["scheduler_hparams"] = dict(scheduler.get("init_args") or {})
    moved.pop("lr_scheduler", None)
    return moved


def _known(node: Any, modules: tuple[str, ...]) -> bool:
    path = str(node.get("class_path", "")) if isinstance(node, Mapping) else ""
    return any(path.startswith(module) and "." not in path.removeprefix(module) for module in modules)


def _name(node: Mapping[str, Any]) -> str:
    return str(node["class_path"]).rpartition(".")[2]
