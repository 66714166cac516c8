"""Compositions: taken apart once, with every fault, and written down and read again."""

import importlib.util
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.composition import WEIGHT_ARGUMENTS, Composition, Part
from isthmus.errors import ArgumentError, IsthmusError, UnknownNameError, UnknownTaskError
from isthmus.registry import TASK_REGISTRY

GOOD = {
    "backbone": "prithvi_eo_v2_300",
    "backbone_pretrained": True,
    "backbone_padding": "constant",
    "backbone_use_temporal": True,
    "backbone_temporal_pooling": "max",
    "necks": [{"name": "SelectIndices", "indices": [5, 11]}],
    "decoder": "UNetDecoder",
    "decoder_channels": [64, 32],
    "head_dropout": 0.1,
    "num_classes": 3,
    "aux_decoders": [{"name": "edges", "decoder": "FCNDecoder", "decoder_args": {"head_dropout": 0.2}}],
    "image_size_out": [64, 64],
}
FULL = {"model": "stacked_hourglass", "stacks": 3, "num_classes": 2, "rescale": False}


def test_every_part_has_its_arguments():
    composition = Composition.parse(GOOD)
    assert not composition.problems
    assert composition.backbone == Part("prithvi_eo_v2_300", {"pretrained": True})
    assert composition.time == {"pooling": "max"}
    assert composition.padding == "constant"
    assert composition.decoder == Part("UNetDecoder", {"channels": [64, 32]})
    assert composition.head == Part("SegmentationHead", {"dropout": 0.1})
    assert composition.outputs == 3
    (edges,) = composition.auxiliary
    assert (edges.name, edges.decoder.name, edges.head.arguments) == ("edges", "FCNDecoder", {"dropout": 0.2})


@pytest.mark.parametrize(("arguments", "factory"), [(GOOD, "EncoderDecoderFactory"), (FULL, "FullModelFactory")])
def test_it_is_plain_data_and_comes_back(arguments, factory):
    composition = Composition.parse(arguments, "segmentation", factory)
    assert Composition.from_dict(json.loads(json.dumps(composition.to_dict()))) == composition
    assert Composition.parse(composition.model_args, "segmentation", factory) == composition
    assert not composition.problems


def test_nested_and_prefixed_arguments_say_the_same():
    nested = {**GOOD, "decoder_kwargs": {"channels": [64, 32]}}
    del nested["decoder_channels"]
    assert Composition.parse(nested) == Composition.parse(GOOD)


def test_no_weights_are_fetched_without_weights():
    given = {**GOOD, "backbone_ckpt_path": "weights.pt"}
    bare = Composition.parse(given).without_weights()
    assert bare.backbone.arguments == {"pretrained": False}
    assert set(WEIGHT_ARGUMENTS) == {"pretrained", "ckpt_path", "checkpoint_path"}
    whole = Composition.parse(
        {"model": "prithvi_eo_v2_300_mae", "pretrained": True}, "reconstruction", "FullModelFactory"
    )
    assert whole.without_weights().model_args == {"model": "prithvi_eo_v2_300_mae", "pretrained": False}


def test_every_fault_is_found_at_once_with_what_is_to_blame():
    given = {
        "backbone": "timm_resnet81",
        "decoder": "FCNDecoder",
        "decoder_chanels": 3,
        "num_classes": 2,
        "num_outputs": 2,
        "necks": [{"name": "SelectIndices"}, {"indices": [1]}],
        "aux_decoders": [{"name": "a", "decoder": "FCNDecoder", "decoder_args": {"channels": 1}}, {"name": "a"}],
        "peft_config": {"methd": "LORA"},
        "head": "SegmentatonHead",
        "surplus": 1,
    }
    assert [fault.key for fault in Composition.parse(given).faults] == [
        "num_outputs",
        "surplus",
        "backbone",
        "decoder_chanels",
        "head",
        "necks.0.indices",
        "necks.1",
        "aux_decoders.0.decoder_args.channels",
        "aux_decoders.1.name",
        "aux_decoders.1.decoder",
        "peft_config.methd",
        "peft_config.method",
    ]


@pytest.mark.parametrize(
    ("changes", "error", "argument", "says"),
    [
        ({"backbone": None}, ArgumentError, "backbone", "is missing"),
        ({"num_classes": "two"}, ArgumentError, "num_classes", "found 'two'"),
        ({"image_size_out": 3}, ArgumentError, "image_size_out", "a height and a width"),
        ({"head_channels": 3}, ArgumentError, "head_channels", "did you mean 'head_channel_list'"),
        ({"decoder": "LinearDecoder"}, ArgumentError, "head_dropout", "includes its head"),
        ({"head": "Hed"}, UnknownNameError, "head", "no head is called 'Hed'"),
        ({"aux_decoders": {"name": "a"}}, ArgumentError, "aux_decoders", "expected a list"),
        ({"backbone_kwargs": {"depth": 3}}, ArgumentError, "backbone_pretrained", "backbone_kwargs holds"),
    ],
)
def test_a_fault_says_what_is_to_blame(changes, error, argument, says):
    problem = next(each for each in Composition.parse({**GOOD, **changes}).problems if each.argument == argument)
    assert isinstance(problem, error)
    assert says in str(problem)


def test_what_is_raised_names_every_argument():
    with pytest.raises(ArgumentError, match=r"(?s)decoder_chanels.*head_droput"):
        Composition.parse({**GOOD, "decoder_chanels": 3, "head_droput": 1}).checked()
    with pytest.raises(UnknownTaskError, match="not for 'classification'"):
        Composition.parse(FULL, "classification", "FullModelFactory").checked()
    with pytest.raises(IsthmusError, match="no model factory 'FullModelFactry'; did you mean"):
        Composition.parse(FULL, "segmentation", "FullModelFactry").checked()


def test_outputs_beside_the_main_one_have_names():
    assert Composition.parse(GOOD).auxiliary_names == ["edges"]
    assert Composition.parse(FULL, "segmentation", "FullModelFactory").auxiliary_names == ["stack0", "stack1"]


def test_a_task_tells_how_many_outputs_there_are_and_its_auxiliary_heads():
    task = {
        "class_names": ["land", "water"],
        "model_args": {"backbone": "timm_resnet18", "decoder": "FCNDecoder"},
        "aux_heads": [{"name": "edges", "decoder": "FCNDecoder"}],
    }
    composition = Composition.of_task(TASK_REGISTRY.entry("SemanticSegmentationTask"), task)
    assert composition.outputs == 2
    assert composition.auxiliary_names == ["edges"]
    assert not composition.problems


def test_the_package_of_adapters_may_be_missing(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: None if name == "peft" else find(name))
    (problem,) = Composition.parse({**GOOD, "peft_config": {"method": "LORA"}}).problems
    assert "pip install 'isthmus[peft]'" in str(problem)


NAMES = ["backbone", "backbone_kwargs", "backbone_depth", "backbone_padding", "backbone_use_temporal", "decoder"]
NAMES += ["decoder_kwargs", "decoder_channels", "head", "head_kwargs", "head_x", "necks", "aux_decoders", "num_classes"]
NAMES += ["num_outputs", "rescale", "peft_config", "image_size_out", "model", "stacks", "in_chans", "surplus"]
PLAIN = st.sampled_from(["auto", "timm_resnet18", "FCNDecoder", "LinearDecoder", "unet", "", None, True, 0, -1, 2.5])
ANYTHING = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["name", "decoder", "x"]), inner)
)


@given(
    arguments=st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=6),
    purpose=st.sampled_from(["segmentation", "regression", "classification", "reconstruction", "nothing"]),
    factory=st.sampled_from(["EncoderDecoderFactory", "FullModelFactory", "NoFactory"]),
)
def test_whatever_is_given_is_told_rather_than_raised(arguments, purpose, factory):
    composition = Composition.parse(arguments, purpose, factory)
    json.dumps(composition.to_dict())
    assert all(fault.key for fault in composition.faults)
    if not composition.problems:
        assert Composition.parse(composition.model_args, purpose, factory) == composition
