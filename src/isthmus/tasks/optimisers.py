"""Optimisers by name, and learning rates for parts of a model."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from isthmus.errors import ArgumentError, did_you_mean
from isthmus.signatures import check_arguments, live_signature
from isthmus.tasks.schedulers import build_scheduler, needs_monitor


def optimizer_factory(
    optimizer: str | None,
    lr: float,
    params_to_be_optimized: Iterable[Any],
    optimizer_hparams: Mapping[str, Any] | None = None,
    scheduler: str | None = None,
    monitor: str = "val_loss",
    scheduler_hparams: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What `configure_optimizers` returns: an optimiser of `torch.optim` and, if asked for, a scheduler.

    Args:
        optimizer: the name of a class in `torch.optim`; Adam where it is None.
        lr: the learning rate.
        params_to_be_optimized: parameters, or groups of them.
        optimizer_hparams: further arguments of the optimiser; they are not changed.
        scheduler: the name of a class in `torch.optim.lr_scheduler`; SequentialLR takes its parts as
            `{"schedulers": {name: arguments, ...}, "milestones": [...]}`, and a LambdaLR among them may have the
            `lr_lambda` "linear_warmup".
        monitor: the logged value that ReduceLROnPlateau watches.
        scheduler_hparams: arguments of the scheduler, and `interval`, "epoch" (default) or "step", and `monitor`, which
            wins over the argument; they are not changed.

    Raises:
        ArgumentError: a name or an argument is not known.
    """
    built = build_optimizer(optimizer or "Adam", lr, params_to_be_optimized, optimizer_hparams or {})
    if scheduler is None:
        if scheduler_hparams:
            raise ArgumentError(f"scheduler_hparams are given ({', '.join(scheduler_hparams)}), but no scheduler")
        return {"optimizer": built}
    hparams = dict(scheduler_hparams or {})
    interval, monitor = hparams.pop("interval", "epoch"), hparams.pop("monitor", monitor)
    if interval not in ("epoch", "step"):
        raise ArgumentError(f"the scheduler's interval is {interval!r}; expected 'epoch' or 'step'")
    config = {"scheduler": build_scheduler(scheduler, built, hparams), "monitor": monitor, "interval": interval}
    if needs_monitor(config["scheduler"]) and interval == "step":
        raise ArgumentError(f"{scheduler} watches {monitor!r}, which is known once an epoch: its interval is 'epoch'")
    return {"optimizer": built, "lr_scheduler": config}


def build_optimizer(name: str, lr: float, params: Iterable[Any], hparams: Mapping[str, Any]) -> torch.optim.Optimizer:
    """An optimiser of `torch.optim` by name.

    Raises:
        ArgumentError: the name or an argument is not known.
    """
    classes: dict[str, Any] = {
        key: value
        for key, value in vars(torch.optim).items()
        if isinstance(value, type) and issubclass(value, torch.optim.Optimizer) and value is not torch.optim.Optimizer
    }
    if name not in classes:
        hint = did_you_mean(name, classes) or "."
        raise ArgumentError(
            f"no optimizer of torch.optim is called {name!r}{hint} It has: {', '.join(sorted(classes))}"
        )
    check_arguments(live_signature(classes[name]), ["params", "lr", *hparams], f"torch.optim.{name}")
    built: torch.optim.Optimizer = classes[name](params, lr=lr, **hparams)
    return built


def parameter_groups(module: nn.Module, lr: float, lr_overrides: Mapping[str, float] | None) -> list[dict[str, Any]]:
    """The parameters that are trained, in groups with a learning rate each.

    Args:
        module: what is trained; parameters that need no gradient are left out.
        lr: the learning rate of what no override matches.
        lr_overrides: learning rates by a part of the parameter name. Where several parts match a name, the longest
            wins.

    Raises:
        ArgumentError: nothing is left to train, or an override matches no parameter that is trained.
    """
    trained = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
    if not trained:
        raise ArgumentError("there is nothing to train: every parameter of the model is frozen")
    overrides = dict(lr_overrides or {})
    groups: dict[str | None, list[nn.Parameter]] = {part: [] for part in (None, *overrides)}
    matched: set[str] = set()
    for name, parameter in trained.items():
        matches = [part for part in overrides if part in name]
        matched.update(matches)
        groups[max(matches, key=len, default=None)].append(parameter)
    for part in overrides:
        if part not in matched:
            raise ArgumentError(_unmatched(part, module))
    return [
        {"params": params, "lr": lr if part is None else overrides[part]} for part, params in groups.items() if params
    ]


def _unmatched(part: str, module: nn.Module) -> str:
    parameters = dict(module.named_parameters())
    frozen = [name for name, parameter in parameters.items() if part in name and not parameter.requires_grad]
    if frozen:
        return f"the lr_overrides key {part!r} matches only frozen parameters, such as {frozen[0]!r}"
    steps = [name.split(".") for name in parameters]
    pieces = dict.fromkeys(step for name in steps for step in name)
    prefixes = dict.fromkeys(".".join(name[:end]) for name in steps for end in range(2, len(name) + 1))
    hint = did_you_mean(part, [*pieces, *prefixes]) or "."
    parts = ", ".join(dict.fromkeys(".".join(name[:2]) for name in steps))
    return f"the lr_overrides key {part!r} is part of no parameter name{hint} The names begin with: {parts}"
