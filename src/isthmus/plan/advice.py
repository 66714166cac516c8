"""What to say when parts do not fit: where, both shapes, and the necks that mend it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from isthmus.errors import CompositionError
from isthmus.plan.automatic_necks import derive_necks
from isthmus.specs.features import FeatureSpec, Requirement


def explain_misfit(
    where: str,
    owner: str,
    unmet: Sequence[str],
    requirement: Requirement,
    specs: Sequence[FeatureSpec],
    encoded: Sequence[FeatureSpec],
    chain: Sequence[Mapping[str, Any]],
    image_size: tuple[int, int],
) -> str:
    """Explain that a decoder cannot take what it is given.

    Args:
        where: the stage at which it happens.
        owner: what the decoder is called.
        unmet: what is wrong, one sentence each.
        requirement: what the decoder takes.
        specs: what it is given.
        encoded: what the encoder gives, before any neck.
        chain: the necks in between.
        image_size: the (height, width) for which shapes are shown.
    """
    between = "the encoder" if not chain else "the neck " + repr(chain[-1].get("name"))
    lines = [f"{where}: {owner} does not fit behind {between}: " + "; ".join(unmet)]
    lines.append(f"  given:    {describe(specs, image_size)}  ({summary(specs)})")
    lines.append(f"  expected: {requirement}")
    try:
        mended = derive_necks(encoded, requirement)
    except CompositionError:
        return "\n".join(lines)
    if mended:
        lines.append("  these necks mend it (or write `necks: auto`):")
        lines.append(indent(as_yaml(mended), "    "))
    return "\n".join(lines)


def describe(specs: Sequence[FeatureSpec], image_size: tuple[int, int]) -> str:
    """The shapes of features for one image, equal ones in a row counted."""
    shapes = [spec.shape(image_size) for spec in specs]
    return ", ".join(f"{count} x {shape}" if count > 1 else shape for shape, count in _runs(shapes))


def summary(specs: Sequence[FeatureSpec]) -> str:
    """What features are, equal ones in a row counted."""
    return "; ".join(f"{count} x {spec}" if count > 1 else spec for spec, count in _runs([str(spec) for spec in specs]))


def as_yaml(necks: Sequence[Mapping[str, Any]]) -> str:
    """A chain of necks as it can be pasted into a configuration."""
    lines = ["necks:"]
    for neck in necks:
        rest = [f"{key}: {json.dumps(value)}" for key, value in neck.items() if key != "name"]
        lines += ["  - " + "\n    ".join([f"name: {neck['name']}", *rest])]
    return "\n".join(lines)


def indent(text: str, by: str) -> str:
    """Put `by` before every line."""
    return "\n".join(by + line for line in text.splitlines())


def _runs(items: Sequence[str]) -> list[tuple[str, int]]:
    runs: list[tuple[str, int]] = []
    for item in items:
        if runs and runs[-1][0] == item:
            runs[-1] = (item, runs[-1][1] + 1)
        else:
            runs.append((item, 1))
    return runs
