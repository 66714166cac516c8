"""The methods of the package `peft` by their names, and their settings."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from torch import nn

from isthmus.composition.adapters import KEYS, unknown_key
from isthmus.errors import ArgumentError, MissingExtraError, did_you_mean
from isthmus.models.adapters.targets import ALL_LINEAR, check_targets, linear_names

_FOR_LANGUAGE = {"ADAPTION_PROMPT", "POLY", "SHADOW", "TRAINABLE_TOKENS", "XLORA"}


def make_settings(peft_config: Mapping[str, Any], encoder: nn.Module) -> Any:
    """The configuration object of `peft` for what a `peft_config` describes.

    Args:
        peft_config: `method`, the name of a method such as LORA, and `peft_config_kwargs`, its arguments, or the
            object itself.
        encoder: what the adapters go into; it is only looked at.

    Raises:
        ArgumentError: the method or one of its arguments is unknown, or a target is no layer of the encoder.
        MissingExtraError: `peft` is not installed.
    """
    described = peft_config.get("peft_config_kwargs") or {}
    if not isinstance(described, Mapping):
        return described
    method = peft_config.get("method")
    if not isinstance(method, str):
        raise ArgumentError("peft_config.method is missing; it is the name of a method of the package peft, as LORA")
    constructor = _constructor(method)
    given = dict(described)
    names = [field.name for field in dataclasses.fields(constructor) if field.init]
    for name in given:
        if name not in names:
            hint = did_you_mean(name, names) or f". It takes: {', '.join(names)}"
            raise ArgumentError(
                f"peft_config.peft_config_kwargs: {constructor.__name__} has no argument {name!r}{hint}"
            )
    check_targets(encoder, given, "peft_config.peft_config_kwargs")
    if given.get("target_modules") == ALL_LINEAR:
        given["target_modules"] = linear_names(encoder)
    try:
        return constructor(**given)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"peft_config.peft_config_kwargs: {constructor.__name__} refuses them: {error}") from error


def check_keys(peft_config: Mapping[str, Any]) -> None:
    """Raise an ArgumentError for a key that `peft_config` does not take."""
    for key in peft_config:
        if key not in KEYS:
            raise unknown_key(key)


def require_peft() -> None:
    """Raise a MissingExtraError where the package `peft` is not installed."""
    try:
        import peft  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("peft", "peft") from error


def _constructor(method: str) -> Any:
    require_peft()
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    by_name = {str(kind.value): constructor for kind, constructor in PEFT_TYPE_TO_CONFIG_MAPPING.items()}
    usable = [name for name, made in by_name.items() if name not in _FOR_LANGUAGE and not _is_prompt(made)]
    name = method.upper()
    if name not in by_name:
        hint = did_you_mean(name, usable) or "."
        raise ArgumentError(
            f"peft_config.method: peft has no method {method!r}{hint} It has: {', '.join(sorted(usable))}"
        )
    if name not in usable:
        raise ArgumentError(f"peft_config.method: {name} is made for language models; it has no place in an encoder")
    return by_name[name]


def _is_prompt(constructor: Any) -> bool:
    """Whether a method adds tokens to a text rather than to layers."""
    from peft import PromptLearningConfig

    return issubclass(constructor, PromptLearningConfig) or not any(
        field.name.startswith("target_") for field in dataclasses.fields(constructor)
    )
