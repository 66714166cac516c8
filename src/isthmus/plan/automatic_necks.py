"""Necks that derive themselves: the shortest chain from what an encoder gives to what a decoder takes."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from isthmus.errors import CompositionError
from isthmus.registry import NECK_REGISTRY
from isthmus.registry.kinds import NeckKind
from isthmus.specs.features import FeatureSpec, Pyramid, Requirement, is_pyramid

LONGEST_CHAIN = 4


def derive_necks(specs: Sequence[FeatureSpec], requirement: Requirement) -> list[dict[str, Any]]:
    """Find the shortest chain of necks that turns `specs` into something that meets `requirement`.

    The search is breadth-first over what each neck says it does to the specs, so the result is the shortest chain and
    the same each time.

    Returns:
        The chain as a configuration holds it; empty where none is needed.

    Raises:
        CompositionError: no chain of up to four necks does it.
    """
    paths: list[tuple[list[dict[str, Any]], Sequence[FeatureSpec]]] = [([], specs)]
    for _ in range(LONGEST_CHAIN + 1):
        for chain, reached in paths:
            if _is_met(reached, requirement):
                return chain
        paths = [
            ([*chain, neck], after_neck(reached, neck))
            for chain, reached in paths
            for neck in _candidates(reached, requirement)
        ]
    given = "\n".join(f"    {spec}" for spec in specs)
    few = requirement.levels is not None and len(specs) < requirement.levels
    advice = "\nAsk the encoder for more features, where it can give them: backbone_out_indices" if few else ""
    raise CompositionError(f"no chain of necks was found that makes {requirement} of\n{given}{advice}")


def after_neck(specs: Sequence[FeatureSpec], neck: dict[str, Any]) -> list[FeatureSpec]:
    """What a neck, as a configuration holds it, makes of the features."""
    arguments = {key: value for key, value in neck.items() if key != "name"}
    with torch.device("meta"):
        built = NECK_REGISTRY.build(neck["name"], [spec.out_channels for spec in specs], **arguments)
    return list(built.process_specs(specs))


def _is_met(specs: Sequence[FeatureSpec], requirement: Requirement) -> bool:
    if requirement.unmet(specs):
        return False
    return requirement.pyramid is Pyramid.NONE or len(specs) == 1 or is_pyramid(specs)


def _candidates(specs: Sequence[FeatureSpec], requirement: Requirement) -> Iterator[dict[str, Any]]:
    """The necks that propose themselves, in the order of the registry; the others are not imported."""
    for registry in NECK_REGISTRY.values():
        for entry in map(registry.entry, registry):
            if isinstance(entry, NeckKind) and entry.proposes:
                neck: Any = entry.load()
                yield from ({"name": entry.name, **arguments} for arguments in neck.proposals(specs, requirement))
