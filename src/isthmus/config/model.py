"""Checking what a configuration says about its model."""

from collections.abc import Iterator, Mapping
from typing import Any

from isthmus.composition import DEFAULT_FACTORY, Composition
from isthmus.config.sections import MODEL_ARGS, TASK, arguments_of, task_kind
from isthmus.errors import Fault

_BESIDE_MODEL_ARGS = ("task", "model_factory")


def composition_in(config: Mapping[str, Any]) -> Composition | None:
    """The composition that a configuration describes; None where it describes none, or nobody knows the task."""
    kind, task = task_kind(config), arguments_of(config, "model")
    if kind is None or task.get("model") is not None or not isinstance(task.get("model_args"), Mapping):
        return None
    return Composition.of_task(kind, task)


def model_faults(config: Mapping[str, Any], composition: Composition | None) -> Iterator[Fault]:
    """Every fault in the arguments of the model and of its factory, and in what the task says of its parts."""
    task = arguments_of(config, "model")
    if task_kind(config) is None or task.get("model") is not None:
        return
    if task.get("model_args") is None:
        yield Fault(MODEL_ARGS, "is missing; it names the backbone, the decoder and their arguments")
    if composition is None:
        return
    if task.get("model_factory") is None:
        yield Fault(f"{TASK}.model_factory", f"is missing; {DEFAULT_FACTORY} builds a model from named parts")
    for fault in composition.faults:
        yield Fault(_place(fault.key, task), fault.message)
    yield from _auxiliary_faults(task.get("aux_loss"), composition)
    if task.get("freeze_backbone") and composition.adapters:
        yield Fault(
            f"{TASK}.freeze_backbone",
            "and peft_config exclude each other: the adapters are in the backbone, whose own weights they freeze",
        )


def _place(key: str, task: Mapping[str, Any]) -> str:
    """Where in a configuration an argument of a factory stands."""
    first, dot, rest = key.partition(".")
    if first == "aux_decoders" and task.get("aux_heads"):
        return f"{TASK}.aux_heads{dot}{rest}"
    if first in _BESIDE_MODEL_ARGS:
        return f"{TASK}.model_factory"
    return f"{MODEL_ARGS}.{key}"


def _auxiliary_faults(weights: Any, composition: Composition) -> Iterator[Fault]:
    built = composition.auxiliary_names
    for name in weights if isinstance(weights, Mapping) else ():
        if built is not None and name not in built:
            what, none = ("auxiliary decoder", "aux_decoders names none")
            if composition.model is not None:
                what, none = "earlier stack", "the model has none"
            there = f"there are: {', '.join(built)}" if built else none
            yield Fault(f"{TASK}.aux_loss.{name}", f"no {what} is called {name!r}; {there}")
