"""`peft_config`: adapters that are trained in the place of the encoder."""

import importlib.util
from collections.abc import Iterator, Mapping
from typing import Any

from isthmus.errors import ArgumentError, IsthmusError, MissingExtraError, did_you_mean

KEYS = ("method", "replace_qkv", "peft_config_kwargs")


def adapter_problems(given: Any) -> Iterator[IsthmusError]:
    """What is wrong with a `peft_config`, as far as it can be told without the package and without the backbone."""
    if given is None:
        return
    key = "peft_config"
    if not isinstance(given, Mapping):
        yield ArgumentError(f"expected {', '.join(KEYS)}, found {given!r}", argument=key)
        return
    yield from (unknown_key(name) for name in given if name not in KEYS)
    described = given.get("peft_config_kwargs")
    if isinstance(described, str | int | float | list):
        problem = f"expected arguments by name, found {described!r}"
        yield ArgumentError(problem, argument=f"{key}.peft_config_kwargs")
    if "method" not in given and (described is None or isinstance(described, Mapping)):
        missing = "is missing; it is the name of a method of the package peft, as LORA"
        yield ArgumentError(f"peft_config.method {missing}", argument=f"{key}.method")
    if not isinstance(given.get("method"), str | None):
        problem = f"expected the name of a method, as LORA, found {given['method']!r}"
        yield ArgumentError(problem, argument=f"{key}.method")
    if importlib.util.find_spec("peft") is None:
        missing_package = MissingExtraError("peft", "peft")
        missing_package.argument = key
        yield missing_package


def unknown_key(name: str) -> ArgumentError:
    """What to say about a key that `peft_config` does not take."""
    hint = did_you_mean(str(name), KEYS) or "."
    return ArgumentError(
        f"peft_config has no key {name!r}{hint} It takes: {', '.join(KEYS)}", argument=f"peft_config.{name}"
    )
