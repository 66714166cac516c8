"""Learning rate schedulers by name."""

from collections.abc import Mapping
from typing import Any

from torch.optim import Optimizer, lr_scheduler
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from isthmus.errors import ArgumentError, did_you_mean
from isthmus.signatures import check_arguments, live_signature

LINEAR_WARMUP = "linear_warmup"


class LinearWarmup:
    """A factor that rises in equal steps and is 1 at the last of them.

    An object rather than a function, so that a checkpoint can hold it.

    Args:
        steps: how many steps the rise takes.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def __call__(self, step: int) -> float:
        """The factor at a step, counted from 0."""
        return min(1.0, (step + 1) / self.steps)


def build_scheduler(name: str, optimizer: Optimizer, hparams: Mapping[str, Any]) -> LRScheduler:
    """A scheduler of `torch.optim.lr_scheduler` by name; `hparams` are not changed.

    Raises:
        ArgumentError: the name or an argument is not known, or does not fit.
    """
    if name == "SequentialLR":
        return _sequential(optimizer, hparams)
    if name == "LambdaLR" and hparams.get("lr_lambda") == LINEAR_WARMUP:
        raise ArgumentError(f"lr_lambda {LINEAR_WARMUP!r} ends at a milestone: put LambdaLR into a SequentialLR")
    return _build(name, optimizer, hparams)


def needs_monitor(scheduler: LRScheduler) -> bool:
    """Whether the scheduler looks at a logged value."""
    return isinstance(scheduler, ReduceLROnPlateau)


def _build(name: str, optimizer: Optimizer, hparams: Mapping[str, Any]) -> LRScheduler:
    classes = {
        key: value
        for key, value in vars(lr_scheduler).items()
        if isinstance(value, type) and issubclass(value, LRScheduler) and key[0] != "_" and value is not LRScheduler
    }
    if name not in classes:
        hint = did_you_mean(name, classes) or "."
        listed = ", ".join(sorted(classes))
        raise ArgumentError(f"no scheduler of torch.optim.lr_scheduler is called {name!r}{hint} It has: {listed}")
    owner = f"torch.optim.lr_scheduler.{name}"
    check_arguments(live_signature(classes[name]), ["optimizer", *hparams], owner)
    return classes[name](optimizer, **hparams)


def _sequential(optimizer: Optimizer, hparams: Mapping[str, Any]) -> LRScheduler:
    check_arguments(live_signature(lr_scheduler.SequentialLR), ["optimizer", *hparams], "SequentialLR")
    parts, milestones = hparams["schedulers"], list(hparams["milestones"])
    if not isinstance(parts, Mapping) or len(parts) < 2:
        raise ArgumentError("SequentialLR takes two or more schedulers, as {name: arguments}")
    if len(milestones) != len(parts) - 1:
        raise ArgumentError(f"{len(parts)} schedulers need {len(parts) - 1} milestones, but there are {milestones}")
    if "ReduceLROnPlateau" in parts:
        raise ArgumentError("ReduceLROnPlateau watches a metric and cannot be part of a SequentialLR")
    starts, ends = [0, *milestones], [*milestones, None]
    if milestones != sorted(set(milestones)) or milestones[0] < 1:
        raise ArgumentError(f"the milestones of SequentialLR are {milestones}; they must rise, from 1 on")
    built = [
        _build(name, optimizer, _warmed(name, arguments or {}, start, end))
        for (name, arguments), start, end in zip(parts.items(), starts, ends, strict=True)
    ]
    rest = {key: value for key, value in hparams.items() if key not in ("schedulers", "milestones")}
    return lr_scheduler.SequentialLR(optimizer, built, milestones, **rest)


def _warmed(name: str, arguments: Mapping[str, Any], start: int, end: int | None) -> dict[str, Any]:
    """The arguments of one part, with the warm-up that lasts until its milestone filled in."""
    if name != "LambdaLR" or arguments.get("lr_lambda") != LINEAR_WARMUP:
        return dict(arguments)
    if end is None:
        raise ArgumentError(f"lr_lambda {LINEAR_WARMUP!r} ends at a milestone, so it cannot be the last scheduler")
    return {**arguments, "lr_lambda": LinearWarmup(end - start)}
