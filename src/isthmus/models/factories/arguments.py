"""Which argument goes to which part: the prefixes `backbone_`, `decoder_` and `head_`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.errors import ArgumentError, did_you_mean

PREFIXES = ("backbone_", "decoder_", "head_")


@dataclass
class PartArguments:
    """Arguments by the part that takes them."""

    backbone: dict[str, Any]
    decoder: dict[str, Any]
    head: dict[str, Any]


def extract_prefix_keys(arguments: Mapping[str, Any], prefix: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split arguments into those with a prefix, which they lose, and the rest.

    >>> extract_prefix_keys({"head_dropout": 0.1, "task": "segmentation"}, "head_")
    ({'dropout': 0.1}, {'task': 'segmentation'})
    """
    with_prefix = {key.removeprefix(prefix): value for key, value in arguments.items() if key.startswith(prefix)}
    rest = {key: value for key, value in arguments.items() if not key.startswith(prefix)}
    return with_prefix, rest


def route_arguments(
    arguments: Mapping[str, Any],
    *,
    backbone: Mapping[str, Any] | None = None,
    decoder: Mapping[str, Any] | None = None,
    head: Mapping[str, Any] | None = None,
    known: Collection[str] = (),
) -> PartArguments:
    """Give every prefixed argument to its part.

    Args:
        arguments: what was given beside the named arguments of a factory.
        backbone: the arguments of the backbone as one dict; then prefixed ones are left over.
        decoder: likewise for the decoder.
        head: likewise for the head.
        known: the named arguments of the factory, to propose in the error.

    Raises:
        ArgumentError: something is left over.
    """
    rest = dict(arguments)
    routed = []
    for prefix, explicit in zip(PREFIXES, (backbone, decoder, head), strict=True):
        if explicit:
            routed.append(dict(explicit))
        else:
            taken, rest = extract_prefix_keys(rest, prefix)
            routed.append(taken)
    if rest:
        hints = "".join(did_you_mean(name, [*known, *(prefix + name for prefix in PREFIXES)]) for name in rest)
        raise ArgumentError(f"arguments {rest} were passed but not used{hints or '.'}")
    return PartArguments(*routed)
