"""Checking the losses of a task: their names, and the arguments of each."""

from collections.abc import Iterator, Mapping
from typing import Any

from isthmus.config.sections import TASK, arguments_of, task_kind
from isthmus.errors import Fault, did_you_mean
from isthmus.registry import LOSS_REGISTRY
from isthmus.registry.kinds import LossKind

KEY = f"{TASK}.loss"
WEIGHT = "weight"
"""What a loss weighs among several, beside its own arguments."""


def loss_faults(config: Mapping[str, Any]) -> Iterator[Fault]:
    """Every loss that is unknown or compares something else than the task, and every argument that it does not take."""
    kind, given = task_kind(config), arguments_of(config, "model").get("loss")
    if kind is None:
        return
    kinds = [entry for entry in map(LOSS_REGISTRY.entry, LOSS_REGISTRY) if isinstance(entry, LossKind)]
    known = {loss.name: loss for loss in kinds if kind.compares in loss.compares}
    names = [given] if isinstance(given, str) else given if isinstance(given, list | dict) else []
    for name in names if known else ():
        if name in known:
            yield from _argument_faults(known[name], given[name] if isinstance(given, dict) else None)
        else:
            hint = did_you_mean(str(name), known) or "."
            yield Fault(KEY, f"there is no loss {name!r}{hint} There are: {', '.join(known)}")


def _argument_faults(loss: LossKind, given: Any) -> Iterator[Fault]:
    signature = loss.known_signature()
    if signature is None or not isinstance(given, Mapping) or signature.is_open:
        return
    takes = (WEIGHT, *signature.names)
    for name in given:
        if name not in takes:
            hint = did_you_mean(str(name), takes) or f"; it takes: {', '.join(takes)}"
            yield Fault(f"{KEY}.{loss.name}.{name}", f"the loss {loss.name!r} has no argument {name!r}{hint}")
