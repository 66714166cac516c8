"""Checking `model_args` for models that are built as one: the name of the model and its arguments."""

from collections.abc import Iterator, Mapping
from typing import Any

from isthmus.config.parts import known_signature, look_up
from isthmus.errors import Fault
from isthmus.registry import FULL_MODEL_REGISTRY, MODEL_FACTORY_REGISTRY
from isthmus.registry.entry import Entry
from isthmus.signatures import Parameter, Signature, static_signature

FULL_MODEL_FACTORY = "FullModelFactory"

_GIVEN_BY_FACTORY = frozenset({"num_outputs"})


def full_model_faults(arguments: Mapping[str, Any], key: str) -> Iterator[Fault]:
    """Every fault in the arguments of a `FullModelFactory`, which stand under `key`."""
    if arguments.get("model") is None:
        yield Fault(f"{key}.model", "is missing; `isthmus list models` shows the names")
        return
    entry, problem = _entry(arguments)
    if entry is None:
        if problem:
            yield Fault(f"{key}.model", problem)
        return
    signature = known_signature(entry)
    if signature is None:
        return
    own = {parameter.name: parameter for parameter in _factory_parameters()}
    whole = Signature((*signature.without(_GIVEN_BY_FACTORY).parameters, *own.values()), signature.is_open)
    for name, fault in whole.faults(arguments, f"the model {arguments['model']!r}"):
        yield Fault(f"{key}.{name}", fault)


def names_of_stacks(arguments: Mapping[str, Any]) -> list[str] | None:
    """What the outputs of a model before the last one are called; None where that cannot be known."""
    entry, _ = _entry(arguments)
    signature = None if entry is None else known_signature(entry)
    if signature is None:
        return None
    default = next((each.default for each in signature.parameters if each.name == "stacks"), "1")
    count = arguments.get("stacks", int(default) if default and default.isdigit() else 1)
    return [f"stack{index}" for index in range(count - 1)] if isinstance(count, int) else None


def bands_of_model(arguments: Mapping[str, Any]) -> int | None:
    """How many bands a full model takes; None where that cannot be known."""
    entry, _ = _entry(arguments)
    signature = None if entry is None else known_signature(entry)
    if signature is None:
        return None
    default = next((each.default for each in signature.parameters if each.name == "in_chans"), None)
    count = arguments.get("in_chans", int(default) if default and default.isdigit() else None)
    return count if isinstance(count, int) else None


def _entry(arguments: Mapping[str, Any]) -> tuple[Entry | None, str]:
    name = arguments.get("model")
    return look_up(FULL_MODEL_REGISTRY, name) if isinstance(name, str) else (None, "")


def _factory_parameters() -> tuple[Parameter, ...]:
    entry = MODEL_FACTORY_REGISTRY.entry(FULL_MODEL_FACTORY)
    signature = static_signature(f"{entry.target}.build_model")
    return () if signature is None else signature.without({"task"}).parameters
