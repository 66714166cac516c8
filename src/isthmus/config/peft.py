"""Checking `peft_config`: the keys, the package, and what it cannot stand beside."""

import importlib.util
from collections.abc import Iterator, Mapping
from typing import Any

from isthmus.config.composition import MODEL_ARGS
from isthmus.errors import Fault, MissingExtraError, did_you_mean

KEYS = ("method", "replace_qkv", "peft_config_kwargs")
_TYPES = {"method": (str, "the name of a method, as LORA"), "peft_config_kwargs": (Mapping, "arguments by name")}


def peft_faults(config: Mapping[str, Any]) -> Iterator[Fault]:
    """Every fault of a `peft_config` that can be told without the package and without the backbone."""
    model = config.get("model")
    init = model.get("init_args") if isinstance(model, Mapping) else None
    arguments = init.get("model_args") if isinstance(init, Mapping) else None
    given = arguments.get("peft_config") if isinstance(arguments, Mapping) else None
    key = f"{MODEL_ARGS}.peft_config"
    if given is None or not isinstance(init, Mapping):
        return
    if not isinstance(given, Mapping):
        yield Fault(key, f"expected {', '.join(KEYS)}, found {given!r}")
        return
    yield from _key_faults(given, key)
    if init.get("freeze_backbone"):
        yield Fault(
            "model.init_args.freeze_backbone",
            "and peft_config exclude each other: the adapters are in the backbone, whose own weights they freeze",
        )
    if importlib.util.find_spec("peft") is None:
        yield Fault(key, str(MissingExtraError("peft", "peft")))


def _key_faults(given: Mapping[str, Any], key: str) -> Iterator[Fault]:
    for name in given:
        if name not in KEYS:
            hint = did_you_mean(str(name), KEYS) or "."
            yield Fault(f"{key}.{name}", f"peft_config has no key {name!r}{hint} It takes: {', '.join(KEYS)}")
    if "method" not in given:
        yield Fault(f"{key}.method", "is missing; it is the name of a method of the package peft, as LORA")
    for name, (kind, expected) in _TYPES.items():
        if given.get(name) is not None and not isinstance(given[name], kind):
            yield Fault(f"{key}.{name}", f"expected {expected}, found {given[name]!r}")
