"""Models that are built as one: their arguments, their outputs, and what of them can be frozen."""

import pytest
import torch

from isthmus.errors import ArgumentError, ShapeError, UnknownNameError, UnknownTaskError
from isthmus.models import BlockModel, FullModelFactory
from isthmus.plan import plan
from isthmus.registry import FULL_MODEL_REGISTRY, ISTHMUS_FULL_MODEL_REGISTRY, MODEL_FACTORY_REGISTRY

HOURGLASS = {
    "model": "stacked_hourglass",
    "in_chans": 2,
    "stem_filters": 4,
    "filters": 6,
    "filter_increase": 2,
    "max_stride": 16,
    "stacks": 3,
}
UNET = {"model": "unet", "in_chans": 2, "filters": 4, "max_stride": 8}


def build(task: str, **arguments) -> BlockModel:
    return MODEL_FACTORY_REGISTRY.build("FullModelFactory").build_model(task, **arguments).eval()


@pytest.mark.parametrize(
    ("name", "arguments", "parameters"),
    [
        ("fc_densenet56", {"num_classes": 11}, 1_376_795),
        ("fc_densenet67", {"num_classes": 11}, 3_463_243),
        ("fc_densenet103", {"num_classes": 11}, 9_322_091),
        ("leap_cnn_published", {"num_classes": 32, "in_chans": 1}, 2_545_952),
        ("stacked_hourglass_published", {"num_classes": 16, "stacks": 2}, None),
        ("unet", {"num_classes": 2}, 34_513_280 + 2 * 65),
    ],
)
def test_models_have_the_parameters_of_their_papers(name, arguments, parameters):
    planned = plan({"model_factory": "FullModelFactory", "model": name, **arguments})
    assert parameters is None or planned.parameters == parameters
    assert planned.output[0][1] == arguments["num_classes"]


def test_every_name_has_a_source_and_facts():
    for name in ISTHMUS_FULL_MODEL_REGISTRY:
        entry = FULL_MODEL_REGISTRY.entry(f"isthmus_{name}")
        assert entry.facts["doc"]
        if not name.endswith("_mae"):
            assert {"num_outputs", "in_chans", "pad"} <= set(entry.signature().names)


@torch.no_grad()
def test_earlier_stacks_are_auxiliary_outputs_as_large_as_the_image():
    model = build("segmentation", num_classes=3, **HOURGLASS)
    result = model(torch.randn(2, 2, 32, 48))
    assert list(result.auxiliary_heads) == ["stack0", "stack1"] == list(model.auxiliary_weights)
    assert {each.shape for each in [result.output, *result.auxiliary_heads.values()]} == {(2, 3, 32, 48)}


@torch.no_grad()
def test_the_output_is_the_prediction_of_the_last_stack():
    model = build("keypoints", num_outputs=3, **HOURGLASS)
    images = torch.randn(1, 2, 32, 32)
    first, second, last = (each.prediction for each in model.network(images))
    result = model(images)
    assert torch.equal(result.output, last)
    assert torch.equal(result.auxiliary_heads["stack0"], first)
    assert torch.equal(result.auxiliary_heads["stack1"], second)
    assert result.output.shape == (1, 3, 8, 8)


@torch.no_grad()
def test_maps_are_rescaled_by_their_stride():
    coarse = build("keypoints", num_outputs=3, output_stride=4, **UNET)
    whole = BlockModel(coarse.network)
    images = torch.randn(1, 2, 32, 24)
    expected = torch.nn.functional.interpolate(coarse(images).output, scale_factor=4.0, mode="bilinear")
    torch.testing.assert_close(whole(images).output, expected)
    assert build("segmentation", num_classes=3, rescale=False, output_stride=4, **UNET)(images).output.shape[2] == 8


@pytest.mark.parametrize("task", ["segmentation", "regression", "keypoints"])
@torch.no_grad()
def test_other_sizes_are_padded_on_request_and_refused_otherwise(task):
    outputs = {"num_classes": 3} if task == "segmentation" else {"num_outputs": 3}
    images = torch.randn(1, 2, 21, 30)
    with pytest.raises(ShapeError, match="set pad to true"):
        build(task, **outputs, output_stride=2, **UNET)(images)
    padded = build(task, **outputs, output_stride=2, pad=True, **UNET)(images).output
    assert padded.shape == ((1, 3, 11, 15) if task == "keypoints" else (1, 3, 21, 30))


@torch.no_grad()
def test_networks_that_take_any_size_give_maps_of_that_size():
    leap = build("segmentation", model="leap_cnn", in_chans=2, filters=4, num_classes=3)
    assert leap(torch.randn(1, 2, 50, 35)).output.shape == (1, 3, 50, 35)
    dense = build("segmentation", model="fc_densenet56", in_chans=2, num_classes=3)
    assert dense(torch.randn(1, 2, 45, 60)).output.shape == (1, 3, 45, 60)


def test_a_regression_of_one_quantity_has_no_channels():
    assert build("regression", **UNET)(torch.randn(1, 2, 16, 16)).output.shape == (1, 16, 16)
    assert build("regression", num_outputs=2, **UNET)(torch.randn(1, 2, 16, 16)).output.shape == (1, 2, 16, 16)


def test_what_else_a_sample_holds_is_left_aside():
    model = build("segmentation", num_classes=3, **UNET)
    images = torch.randn(1, 2, 16, 16)
    assert torch.equal(model(images, location_coords=torch.zeros(1, 2)).output, model(images).output)
    with pytest.raises(ShapeError, match=r"takes images \(B, C, H, W\)"):
        model(torch.randn(1, 2, 3, 16, 16))


def test_each_part_can_be_frozen():
    model = build("segmentation", num_classes=3, **HOURGLASS)
    parts = {"encoder": ".encoder.", "decoder": ".decoder.", "head": "network.heads."}
    for part, marker in parts.items():
        getattr(model, f"freeze_{part}")()
        frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
        assert {name for name, _ in model.named_parameters() if marker in name} <= frozen
        model.train()
        modes = {name: module.training for name, module in model.named_modules()}
        assert not any(training for name, training in modes.items() if marker in f"{name}.")
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_only_the_encoder_is_frozen():
    model = build("segmentation", num_classes=3, **HOURGLASS)
    model.freeze_encoder()
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    expected = {name for name, _ in model.named_parameters() if ".encoder." in name or "network.stem." in name}
    assert frozen == expected


def test_a_plan_shows_blocks_or_stacks():
    arguments = {"model_factory": "FullModelFactory", "num_classes": 3}
    unet = plan({**UNET, **arguments})
    assert [stage.name for stage in unet.stages][-4:] == ["decoder.0", "decoder.1", "decoder.2", "head"]
    assert sum(stage.parameters for stage in unet.stages) == sum(
        parameter.numel() for parameter in build("segmentation", num_classes=3, **UNET).parameters()
    )
    stacks = plan({**HOURGLASS, **arguments})
    names = [stage.name for stage in stacks.stages]
    assert names == ["stem.0", "stack.0", "heads.0", "stack.1", "heads.1", "stack.2", "heads.2"]
    assert stacks.image_size == (224, 224)
    assert stacks.output == [(1, 3, 224, 224)] * 3


@pytest.mark.parametrize(
    ("error", "match", "arguments"),
    [
        (UnknownNameError, "did you mean 'fc_densenet103'", {"model": "fc_densenet130", "num_classes": 2}),
        (ArgumentError, "did you mean 'filters'", {"model": "unet", "num_classes": 2, "filter": 3}),
        (ArgumentError, "`num_classes` must be defined", {"model": "unet"}),
        (ArgumentError, "only one of", {"model": "unet", "num_classes": 2, "num_outputs": 2}),
        (ArgumentError, "max_stride is 12; a power of two", {"model": "unet", "num_classes": 2, "max_stride": 12}),
        (UnknownTaskError, "not for 'classification'", {"task": "classification", "model": "unet", "num_classes": 2}),
    ],
)
def test_refuses(error, match, arguments):
    with pytest.raises(error, match=match):
        FullModelFactory().build_model(**{"task": "segmentation", **arguments})
