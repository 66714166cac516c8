"""Which layers an adapter goes into, and what to say where a name leads nowhere."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn

from isthmus.errors import ArgumentError, did_you_mean

ALL_LINEAR = "all-linear"
_SHOWN = 12


def check_targets(encoder: nn.Module, arguments: Mapping[str, Any], where: str) -> None:
    """Make sure that every name in `target_modules` and its like is the name of a layer.

    A name stands for the layers that are called so and for those whose path ends in it; a string instead of a list is
    a regular expression for the whole path.

    Raises:
        ArgumentError: a name stands for no layer; it proposes the nearest ones.
    """
    for argument in ("target_modules", "feedforward_modules", "modules_to_save", "exclude_modules"):
        given = arguments.get(argument)
        if given is None or given == ALL_LINEAR:
            continue
        paths = [name for name, _ in encoder.named_modules() if name]
        wrong = [given] if isinstance(given, str) else [name for name in given if not _matches(name, paths)]
        if isinstance(given, str) and any(_fullmatch(given, path, f"{where}.{argument}") for path in paths):
            continue
        if wrong:
            raise ArgumentError(f"{where}.{argument}: {_nowhere(wrong, encoder)}")


def linear_names(encoder: nn.Module) -> list[str]:
    """The names of all linear layers, without the numbers of blocks: what `all-linear` stands for."""
    return shared_names(name for name, part in encoder.named_modules() if isinstance(part, nn.Linear))


def shared_names(paths: Iterable[str]) -> list[str]:
    """What the paths of layers have in common behind the numbers in them, each once: `attn.qkv`, `mlp.fc1`."""
    return list(dict.fromkeys(re.split(r"(?:^|\.)\d+\.(?=\D)", path)[-1] for path in paths))


def _matches(name: str, paths: list[str]) -> bool:
    return any(path == name or path.endswith(f".{name}") for path in paths)


def _fullmatch(pattern: str, path: str, key: str) -> bool:
    try:
        return re.fullmatch(pattern, path) is not None
    except re.error as error:
        raise ArgumentError(f"{key} is {pattern!r}, which is no regular expression: {error}") from error


def _nowhere(wrong: list[str], encoder: nn.Module) -> str:
    with_weights = [
        name for name, part in encoder.named_modules() if name and getattr(part, "weight", None) is not None
    ]
    there = shared_names(with_weights)
    choices = dict.fromkeys([*there, *(name.rpartition(".")[2] for name in there)])
    hints = "".join(did_you_mean(name, choices) for name in wrong[:1])
    shown = ", ".join(there[:_SHOWN]) + (", ..." if len(there) > _SHOWN else "")
    listed = ", ".join(map(repr, wrong))
    return f"no layer of {type(encoder).__name__} is called {listed}{hints or '.'} Its layers are called: {shown}"
