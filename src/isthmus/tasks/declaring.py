"""What the declarations of several tasks have in common; without torch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from isthmus.errors import ArgumentError, did_you_mean
from isthmus.registry import PURPOSE_REGISTRY, Entry, Registry
from isthmus.registry.kinds import Arguments, Purpose
from isthmus.specs import OutputSpec

TASK, DATA = "model.init_args", "data.init_args"
MODEL_ARGS = f"{TASK}.model_args"


def model_args(task: Arguments) -> Mapping[str, Any]:
    """The arguments of the model, empty where there are none."""
    given = task.get("model_args")
    return given if isinstance(given, Mapping) else {}


def as_far_as_told(make: Callable[[Arguments], OutputSpec], task: Arguments) -> OutputSpec | None:
    """What the numbers of a task mean; None where its arguments do not tell, or are wrong."""
    try:
        return make(task)
    except (TypeError, ValueError):
        return None


def is_listed(given: Any) -> TypeGuard[Sequence[Any]]:
    """Whether an argument is a list of something, and no word."""
    return isinstance(given, Sequence) and not isinstance(given, str)


def logged_by_all(task: Arguments) -> Iterator[str]:
    """What every task logs beside its scores: the parts of a loss, auxiliary outputs, metrics that were asked for."""
    for given in (task.get("loss"), task.get("aux_loss"), task.get("metrics")):
        yield from map(str, given if isinstance(given, list | dict) else ())


def declared_for(registry: Registry, compares: str) -> dict[str, Entry]:
    """The losses or metrics for what a task compares; what says nothing about that is for all."""
    entries = {name: registry.entry(name) for name in registry}
    return {name: entry for name, entry in entries.items() if compares in getattr(entry, "compares", (compares,))}


def find_declared(registry: Registry, name: str, compares: str, argument: str) -> Entry:
    """A loss or a metric by its name.

    Args:
        registry: where it is registered.
        name: what it is called.
        compares: what the task compares.
        argument: where the name was given.

    Raises:
        ArgumentError: there is none of this name for what the task compares.
    """
    known = declared_for(registry, compares)
    if name not in known:
        hint = did_you_mean(name, known) or "."
        kinds = registry.kind + ("es" if registry.kind.endswith("s") else "s")
        listed = ", ".join(known) or "none"
        raise ArgumentError(f"no {registry.kind} is called {name!r}{hint} The {kinds} are: {listed}", argument=argument)
    return known[name]


def counts_of(purpose: str) -> str:
    """The argument that tells a factory how many outputs a model of this purpose has."""
    entry = PURPOSE_REGISTRY.entry(purpose)
    return entry.counts if isinstance(entry, Purpose) else "num_classes"
