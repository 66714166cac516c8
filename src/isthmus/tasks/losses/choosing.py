"""Which losses a configuration asks for, with which weights and arguments; without torch.

The forms are a name, a list of names, and names with a number each, their weight, or with arguments of their own:
`{dice: {weight: 0.5, smooth: 1}, ce: 1}`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isthmus.errors import ArgumentError, Fault
from isthmus.registry import LOSS_REGISTRY, Entry
from isthmus.registry.kinds import Arguments
from isthmus.tasks.declaring import TASK, find_declared

ARGUMENT, WEIGHT = "loss", "weight"
SHARED = ("ignore_index", "class_weights")
"""The arguments of a task that its losses must take, where they are given."""


@dataclass(frozen=True)
class ChosenLoss:
    """A loss that was asked for.

    Attributes:
        entry: what is registered.
        arguments: those of its constructor.
        weight: how much it counts in the sum.
    """

    entry: Entry
    arguments: Mapping[str, Any]
    weight: float


def chosen_losses(
    loss: str | Sequence[str] | Mapping[str, Any], compares: str, shared: Mapping[str, Any]
) -> list[ChosenLoss]:
    """The losses that are asked for.

    Args:
        loss: in any of the forms.
        compares: what the task compares.
        shared: arguments of the task that each loss must take, unless they are None.

    Raises:
        ArgumentError: a name is not known or comes twice, or an argument is not known or not taken.
    """
    given = {name: value for name, value in shared.items() if value is not None}
    return [_choose(name, own, compares, given) for name, own in _by_name(loss)]


def loss_faults(task: Arguments, compares: str) -> Iterator[Fault]:
    """What is wrong with the losses that the arguments of a task ask for."""
    loss = task.get(ARGUMENT)
    if not isinstance(loss, str | list | Mapping) or (isinstance(loss, Mapping) and "class_path" in loss):
        return
    try:
        chosen_losses(loss, compares, {name: task.get(name) for name in SHARED})
    except ArgumentError as error:
        yield Fault(f"{TASK}.{error.argument or ARGUMENT}", str(error))


def _by_name(loss: str | Sequence[str] | Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each name with its own arguments, the weight among them."""
    if isinstance(loss, Mapping):
        for name, own in loss.items():
            if not isinstance(own, Mapping | int | float):
                raise ArgumentError(
                    f"the loss {name!r} is given {own!r}; expected its weight, or arguments by name",
                    argument=f"{ARGUMENT}.{name}",
                )
            yield name, dict(own) if isinstance(own, Mapping) else {WEIGHT: own}
        return
    names = [loss] if isinstance(loss, str) else list(loss)
    if len(set(names)) != len(names):
        raise ArgumentError(
            f"a loss is named twice in {names}; give it a weight instead: {{name: 2.0}}", argument=ARGUMENT
        )
    yield from ((name, {}) for name in names)


def _choose(name: str, own: dict[str, Any], compares: str, shared: Mapping[str, Any]) -> ChosenLoss:
    entry = find_declared(LOSS_REGISTRY, name, compares, ARGUMENT)
    weight = own.pop(WEIGHT, 1.0)
    signature = entry.signature()
    for argument in shared:
        if argument not in signature.names and not signature.is_open:
            raise ArgumentError(f"the loss {name!r} takes no {argument}, but the task has some", argument=argument)
    arguments = {**shared, **own}
    for argument, message in signature.faults(arguments, f"the loss {name!r}"):
        raise ArgumentError(message, argument=f"{ARGUMENT}.{name}.{argument}")
    return ChosenLoss(entry, arguments, weight)
