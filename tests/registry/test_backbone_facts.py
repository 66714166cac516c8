"""What the catalog says of the backbones of Isthmus: complete and well-formed, whatever family was added last."""

import re

import pytest

from isthmus.bands import HLSBands, OpticalBands, SARBands
from isthmus.registry.discovery import declared_below
from isthmus.weights import published_weights

ENTRIES = [*declared_below("isthmus.models.backbones", "catalog")]
FACTS = {entry.name: entry.facts for entry in ENTRIES}
FAMILIES = sorted({facts["family"] for facts in FACTS.values()})
TYPES = {
    "family": str,
    "doc": str,
    "parameters": int,
    "bands": list,
    "wavelengths": list,
    "sensors": list,
    "modalities": list,
    "patch_size": (int, list, tuple),
    "image_size": (int, list, tuple),
    "frames": int,
    "means": list,
    "stds": list,
    "modality_means": dict,
    "modality_stds": dict,
    "license": str,
    "weights": str,
    "file": str,
    "revision": str,
    "sha256": str,
    "sha256_prefix": str,
    "extra": str,
}
FORMS = {
    "family": "[a-z0-9_]+",
    "doc": ".*[^.]",
    "license": "[a-z0-9.-]+",
    "file": r"[\w./-]+\.(pt|pth|ckpt|safetensors|bin)",
    "revision": "[0-9a-f]{40}",
    "sha256": "[0-9a-f]{64}",
    "sha256_prefix": "[0-9a-f]{8,63}",
}
BY_BAND = ("wavelengths", "means", "stds")
OF_A_FILE = ("revision", "sha256", "sha256_prefix")
VOCABULARY = tuple(map(str, (*HLSBands, *OpticalBands, *SARBands)))


def faults_of_form(facts):
    for fact, value in facts.items():
        if fact not in TYPES:
            yield f"no fact is called {fact!r}"
        elif (
            not isinstance(value, TYPES[fact])
            or isinstance(value, bool)
            or (fact in FORMS and not re.fullmatch(FORMS[fact], value))
        ):
            yield f"{fact} is {value!r}"
    for fact in ("patch_size", "image_size"):
        value = facts.get(fact, 1)
        if not all(size > 0 for size in (value if isinstance(value, list | tuple) else [value])):
            yield f"{fact} is {value!r}"
    if "doc" not in facts:
        yield "it is not said what it is"
    if "parameters" not in facts or (facts["parameters"] == 0 and facts["family"] != "identity"):
        yield "the number of parameters is not said"


def faults_of_bands(facts):
    bands = facts.get("bands", [])
    if len(set(bands)) < len(bands):
        yield "a band occurs twice"
    for fact in BY_BAND:
        if len(facts.get(fact, bands)) != len(bands):
            yield f"there are {len(facts[fact])} {fact} of {len(bands)} bands"
    if ("means" in facts) != ("stds" in facts):
        yield "only one of means and stds is said"
    counts = [
        {name: len(values) for name, values in facts.get(fact, {}).items()}
        for fact in ("modality_means", "modality_stds")
    ]
    if counts[0] != counts[1] or not counts[0].keys() <= set(facts.get("modalities", ())):
        yield f"means and stds are said of other modalities, or of other numbers of bands: {counts}"
    if not all(value > 0 for value in facts.get("stds", [])):
        yield f"stds is {facts['stds']}"
    if not all(0.3 < value < 15 for value in facts.get("wavelengths", [])):
        yield f"wavelengths are not in micrometres: {facts['wavelengths']}"
    if facts.get("sensors"):  # a band may have variants, such as the gains of Landsat 7
        yield from (f"there is no band {band!r}" for band in bands if not band.startswith(VOCABULARY))


def faults_of_publication(facts):
    if "file" in facts and not re.fullmatch(r"[\w.-]+/[\w.-]+", facts.get("weights", "")):
        yield "the repository of the file is not said"
    for fact in OF_A_FILE:
        if fact in facts and "file" not in facts:
            yield f"{fact} is that of no file"
    named = re.search(r"-([0-9a-f]{8})\.pth?$", facts.get("file", ""))
    if named and "sha256" not in facts and facts.get("sha256_prefix") != named[1]:
        yield f"sha256_prefix is not {named[1]!r}, as the name of the file says"


def test_every_name_is_there_once():
    assert len(FACTS) == len(ENTRIES)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("faults", [faults_of_form, faults_of_bands, faults_of_publication])
def test_the_facts_of_a_family_are_complete_and_well_formed(family, faults):
    members = {name: facts for name, facts in FACTS.items() if facts["family"] == family}
    assert [f"{name}: {fault}" for name, facts in members.items() for fault in faults(facts)] == []


def test_published_weights_are_found_by_name():
    for name, facts in FACTS.items():
        if "file" in facts:
            published = published_weights(name)
            known = (facts["weights"], facts["file"], facts.get("revision"), facts.get("sha256_prefix"))
            assert (published.repo, published.file, published.revision, published.sha256_prefix) == known
