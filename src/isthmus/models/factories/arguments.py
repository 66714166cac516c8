"""Which argument goes to which part: the prefixes `backbone_`, `decoder_` and `head_`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.errors import ArgumentError, did_you_mean

PREFIXES = ("backbone_", "decoder_", "head_")
USE_TEMPORAL = "use_temporal"
TEMPORAL_PREFIX = "temporal_"
TEMPORAL_ARGUMENTS = ("pooling", "concat", "n_timestamps", "features_permute_op", "subset_lengths")
TAKEN_BY_FACTORY = frozenset({"padding", USE_TEMPORAL, *(TEMPORAL_PREFIX + name for name in TEMPORAL_ARGUMENTS)})
"""The arguments of a backbone that go to the factory."""


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


def take_temporal(backbone: dict[str, Any]) -> dict[str, Any] | None:
    """Take from the arguments of a backbone those of the `TemporalWrapper` around it.

    Returns:
        Its arguments; None where `use_temporal` does not ask for it.

    Raises:
        ArgumentError: there are arguments for it, but it is not asked for.
    """
    wanted = backbone.pop(USE_TEMPORAL, False)
    names = [name for name in TEMPORAL_ARGUMENTS if TEMPORAL_PREFIX + name in backbone]
    given = {name: backbone.pop(TEMPORAL_PREFIX + name) for name in names}
    if given and not wanted:
        listed = ", ".join(f"backbone_{TEMPORAL_PREFIX}{name}" for name in given)
        raise ArgumentError(f"{listed} is given without backbone_{USE_TEMPORAL}: true, so it would have no effect")
    return given if wanted else None
