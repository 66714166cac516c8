"""Necks that derive themselves: the shortest chain from what an encoder gives to what a decoder takes."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from isthmus.errors import CompositionError
from isthmus.registry import NECK_REGISTRY
from isthmus.specs.features import FeatureSpec, Layout, Pyramid, Requirement, is_pyramid

LONGEST_CHAIN = 4
LEVELS_OF_A_PYRAMID = 4


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
    """The necks that could be of use, the preferred ones first."""
    layouts = {spec.layout for spec in specs}
    wants_pyramid = requirement.pyramid is not Pyramid.NONE
    levels = requirement.levels or (LEVELS_OF_A_PYRAMID if wants_pyramid else None)
    if levels is not None and len(specs) > levels:
        yield {"name": "SelectIndices", "indices": _spread(specs, levels)}
    if Layout.VECTOR in requirement.layouts and layouts == {Layout.TOKENS}:
        yield {"name": "AggregateTokens"}
    if layouts == {Layout.GRID_LAST}:
        yield {"name": "PermuteDims", "new_order": [0, 3, 1, 2]}
    if layouts == {Layout.TOKENS}:
        yield _reshape(specs[0])
    if wants_pyramid and layouts == {Layout.GRID} and len({spec.stride for spec in specs}) == 1:
        if len(specs) == LEVELS_OF_A_PYRAMID:
            yield {"name": "LearnedInterpolateToPyramidal"}
        elif len(specs) < LEVELS_OF_A_PYRAMID:
            yield {"name": "MaxpoolToPyramidal"}


def _reshape(spec: FeatureSpec) -> dict[str, Any]:
    neck: dict[str, Any] = {"name": "ReshapeTokensToImage"}
    if spec.prefix_tokens != 1:
        neck["remove_cls_token"] = spec.prefix_tokens or False
    if spec.time_steps > 1:
        neck["effective_time_dim"] = spec.time_steps
    return neck


def _spread(specs: Sequence[FeatureSpec], levels: int) -> list[int]:
    """The coarsest levels of a pyramid, or evenly spaced layers of a plain transformer, ending in the last."""
    count = len(specs)
    if is_pyramid(specs):
        return list(range(count - levels, count))
    return [(i + 1) * count // levels - 1 for i in range(levels)]
