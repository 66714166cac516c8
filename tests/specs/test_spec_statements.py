"""Statements are plain data: they survive JSON, and refuse what contradicts itself."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.errors import ArgumentError
from isthmus.specs import (
    BandScaling,
    Boxes,
    Classes,
    Embedding,
    FeatureSpec,
    InputSpec,
    Layout,
    Modality,
    Points,
    Preprocessing,
    Pyramid,
    Quantities,
    Reconstructed,
    Requirement,
    Scope,
    output_spec_from,
)

OUTPUTS = [
    Classes(("land", "water"), ((1, 2, 3), (4, 5, 6))),
    Classes(("a", "b", "c"), scope=Scope.IMAGE, several=True, thresholds=(0.1, 0.5, 0.9)),
    Quantities(("height",), ("m",)),
    Quantities(("a", "b"), scope=Scope.IMAGE),
    Points(("nose", "tail"), offsets=True, refine="offsets"),
    Boxes(("car",), masks=True),
    Embedding(768, Scope.PIXEL, (16.0, 16.0)),
    Reconstructed(("RED", 3)),
]


def through_json(statement):
    return json.loads(json.dumps(statement.to_dict()))


@pytest.mark.parametrize("spec", OUTPUTS, ids=lambda spec: f"{spec.kind}-{spec.channels}")
def test_an_output_comes_back_from_json_as_it_was(spec):
    assert output_spec_from(through_json(spec)) == spec


@pytest.mark.parametrize(
    "statement",
    [
        FeatureSpec(768, Layout.TOKENS, (16.0, 14.0), 1, 3),
        FeatureSpec(3, Layout.VECTOR),
        Requirement(frozenset({Layout.GRID, Layout.VECTOR}), 4, Pyramid.REQUIRED),
        InputSpec.of_image(6, ("BLUE", "GREEN", "RED", 4, 5, 6), multiple=16, metadata=("temporal_coords",)),
        InputSpec(
            modalities={"S2L2A": Modality(2, ("RED", "GREEN"), "reflectance x 10000"), "S1GRD": Modality(2)},
            frames=4,
            time_axis=True,
            image_size=(224, 192),
            multiple=(1, 16, 16),
        ),
        Preprocessing({"image": BandScaling(bands=("RED", 7), scale=0.5, means=(1.0, 2.0), stds=(1.0, 2.0), fill=0.0)}),
        Preprocessing({"S1": BandScaling(fill=(1.0, 2.0)), "S2": BandScaling()}),
    ],
    ids=lambda statement: type(statement).__name__,
)
def test_a_statement_comes_back_from_json_as_it_was(statement):
    assert type(statement).from_dict(through_json(statement)) == statement


@given(st.lists(st.text(min_size=1), min_size=1, unique=True), st.sampled_from(list(Scope)))
def test_any_classes_come_back(names, scope):
    spec = Classes(tuple(names), scope=scope)
    assert output_spec_from(through_json(spec)) == spec
    assert output_spec_from(through_json(spec)).scope is scope


def test_what_is_unknown_is_named_with_the_nearest():
    with pytest.raises(ArgumentError, match="did you mean 'names'") as caught:
        output_spec_from({"kind": "classes", "nmes": ["a"]})
    assert caught.value.argument == "nmes"
    with pytest.raises(ArgumentError, match="did you mean 'quantities'"):
        output_spec_from({"kind": "quantitys"})
    with pytest.raises(ArgumentError, match="names"):
        output_spec_from({"kind": "classes"})


def test_what_contradicts_itself_is_refused():
    with pytest.raises(ArgumentError, match="1 colours are given for 2 classes"):
        Classes(("a", "b"), ((0, 0, 0),))
    with pytest.raises(ArgumentError, match="3 channels are said to be 2 bands"):
        Modality(3, ("RED", "GREEN"))
    with pytest.raises(ArgumentError, match="stds is given without means") as caught:
        BandScaling(stds=(1.0,))
    assert caught.value.argument == "means"
    with pytest.raises(ArgumentError, match=r"above 0, but is 0.0 for band 1"):
        BandScaling(means=(0.0, 0.0), stds=(1.0, 0.0))


def test_shapes_of_every_modality_and_padding():
    spec = InputSpec(modalities={"a": Modality(2), "b": Modality(13)}, frames=3, time_axis=True, multiple=(1, 16, 14))
    assert spec.shapes((20, 30), 5) == {"a": (5, 2, 3, 20, 30), "b": (5, 13, 3, 20, 30)}
    assert spec.padded((20, 30)) == (32, 42)
    assert InputSpec.of_image(3).shapes((8, 9)) == {"image": (1, 3, 8, 9)}
    assert InputSpec.of_image(3).padded((8, 9)) == (8, 9)
    assert spec.is_multimodal
    assert not InputSpec.of_image(3, multiple=8).is_multimodal
