"""Families of backbones: what their source says of their arguments, and what their members publish."""

import pytest
import torch

from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY, ISTHMUS_FULL_MODEL_REGISTRY
from isthmus.registry.entry import Entry
from isthmus.registry.families import FamilyEntry
from isthmus.signatures import live_signature, static_signature

MEMBERS = {
    entry.target: entry
    for registry in (ISTHMUS_BACKBONE_REGISTRY, ISTHMUS_FULL_MODEL_REGISTRY)
    for entry in map(registry.entry, registry)
    if isinstance(entry, FamilyEntry)
}


@pytest.mark.parametrize("target", MEMBERS)
def test_the_source_of_a_family_tells_the_arguments_that_it_takes(target):
    told, taken = static_signature(target), live_signature(Entry("family", target).load())
    assert {each.name: each.required for each in told.parameters} == {
        each.name: each.required for each in taken.parameters
    }
    assert not told.is_open


@pytest.mark.parametrize("target", [target for target in MEMBERS if MEMBERS[target].name in ISTHMUS_BACKBONE_REGISTRY])
def test_an_encoder_takes_what_its_input_spec_says(target):
    entry = MEMBERS[target]
    needed = {each.name for each in entry.signature().parameters if each.required}
    if entry.facts["family"] == "olmoearth":
        pytest.importorskip("olmoearth_pretrain_minimal", reason="the extra olmoearth is not installed")
    with torch.device("meta"):
        encoder = entry.build(**({"model_bands": entry.facts["bands"]} if "model_bands" in needed else {}))
        size = encoder.input_spec.image_size or (64, 64)
        given = {name: torch.zeros(shape) for name, shape in encoder.input_spec.shapes(size).items()}
        features = encoder(given if encoder.input_spec.is_multimodal else given["image"])
    assert len(features) == len(encoder.out_channels)
    if not encoder.input_spec.is_multimodal and "bands" in entry.facts:
        assert list(encoder.input_spec.image.bands) == entry.facts["bands"]
