"""What every decoder keeps to, and what each refuses."""

import copy

import pytest
import torch

from isthmus.errors import ArgumentError, CompositionError, ShapeError
from isthmus.models.decoders import (
    ASPPHead,
    ASPPRegressionHead,
    ASPPSegmentationHead,
    FCNDecoder,
    IdentityDecoder,
    LinearDecoder,
    MLPDecoder,
    UNetDecoder,
    UperNetDecoder,
)
from isthmus.registry import DECODER_REGISTRY, ISTHMUS_DECODER_REGISTRY
from isthmus.specs.features import FeatureSpec, Layout, Pyramid

CHANNELS = [4, 8, 12, 16]
EQUAL = [8, 8, 8, 8]

# name, arguments, channels, and how many times as fine as the first (pyramid) or any (equal) feature the result is
PYRAMID_DECODERS = [
    ("UNetDecoder", {"channels": [16, 8, 4, 6]}, 1),
    ("UNetDecoder", {"channels": [16, 8, 4, 6], "use_batchnorm": False, "attention_type": "scse"}, 1),
    ("UperNetDecoder", {"channels": 6}, 1),
    ("UperNetDecoder", {"channels": 6, "pool_scales": [1, 2], "align_corners": False}, 1),
    ("FCNDecoder", {"channels": 6, "num_convs": 2, "in_index": 0}, 4),
    ("LinearDecoder", {"num_classes": 3, "upsampling_size": 5, "in_index": 0}, 5),
    ("IdentityDecoder", {"out_index": 0}, 1),
    ("ASPPHead", {"channels": 6, "in_index": 0}, 1),
    ("ASPPSegmentationHead", {"channels": 6, "num_classes": 3, "in_index": 0}, 1),
    (
        "ASPPRegressionHead",
        {"channels": 6, "out_channels": 2, "in_index": [0, 2, -1], "input_transform": "resize_concat"},
        1,
    ),
    ("UNetBlockDecoder", {"filters": 4}, 1),
    ("UNetBlockDecoder", {"filters": 4, "filters_rate": 1.5, "up_interpolate": True, "up_blocks": 5}, 4),
    ("HourglassBlockDecoder", {"filters": 4, "filter_increase": 2}, 1),
    ("HourglassBlockDecoder", {"filters": 4, "filter_increase": 2, "interp_method": "bilinear", "up_blocks": 4}, 2),
    ("DenseBlockDecoder", {"up_layers": [3, 2, 2], "bottleneck_layers": 2, "growth_rate": 3}, 1),
    ("DenseBlockDecoder", {"up_layers": [2, 2, 2, 1], "growth_rate": 3, "checkpointing": True}, 2),
    ("LeapBlockDecoder", {"filters": 4, "convs_per_block": 1, "up_blocks": 2, "in_index": 0}, 4),
]
EQUAL_DECODERS = [
    ("MLPDecoder", {"activation": "torch.nn.GELU"}, 1),
    ("UperNetDecoder", {"channels": 6}, 1),
    ("UNetDecoder", {"channels": [6, 6, 6, 5]}, 1),
]
ALL = [(name, arguments, CHANNELS, fine) for name, arguments, fine in PYRAMID_DECODERS]
ALL += [(name, arguments, EQUAL, fine) for name, arguments, fine in EQUAL_DECODERS]
IDS = [f"{name}-{i}" for i, (name, *_) in enumerate(ALL)]


def features(channels: list[int], height: int, width: int, batch: int = 2) -> list[torch.Tensor]:
    """A pyramid, each level half as fine, rounded up as convolutional encoders do; or equal maps."""
    made = []
    for count in channels:
        made.append(torch.randn(batch, count, height, width))
        if channels != EQUAL:
            height, width = (height + 1) // 2, (width + 1) // 2
    return made


def build(name: str, arguments: dict, channels: list[int]) -> torch.nn.Module:
    return DECODER_REGISTRY.build(name, list(channels), **arguments)


@pytest.mark.parametrize(("name", "arguments", "channels", "fine"), ALL, ids=IDS)
@pytest.mark.parametrize("size", [(16, 16), (13, 22), (9, 5)])
def test_any_size_comes_out_right(name, arguments, channels, fine, size):
    decoder = build(name, arguments, channels).eval()
    with torch.no_grad():
        out = decoder(features(channels, *size))
    assert out.shape == (2, decoder.out_channels, size[0] * fine, size[1] * fine)


@pytest.mark.parametrize(("name", "arguments", "channels", "fine"), ALL, ids=IDS)
def test_leaves_its_input_and_copies_truly(name, arguments, channels, fine):
    decoder = build(name, arguments, channels).eval()
    given = features(channels, 8, 12)
    before = [feature.clone() for feature in given]
    same = list(given)
    out = decoder(given)
    assert all(a is b for a, b in zip(given, same, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(given, before, strict=True))
    clone = copy.deepcopy(decoder)
    assert torch.equal(clone(given), out)
    for parameter in clone.parameters():
        parameter.data.zero_()
    assert torch.equal(decoder(given), out)


@pytest.mark.parametrize(("name", "arguments", "channels", "fine"), ALL, ids=IDS)
def test_exports(name, arguments, channels, fine):
    decoder = build(name, arguments, channels).eval()
    given = features(channels, 12, 10, batch=1)
    exported = torch.export.export(decoder, (given,), strict=False).module()
    with torch.no_grad():
        torch.testing.assert_close(exported(given), decoder(given))


@pytest.mark.parametrize(("name", "arguments", "channels", "fine"), ALL, ids=IDS)
@pytest.mark.parametrize("cells", [1, 2])
def test_trains_on_a_single_image(name, arguments, channels, fine, cells):
    """Also where the last level is a single cell and every pooled map is one."""
    decoder = build(name, arguments, channels).train()
    given = [feature.requires_grad_() for feature in features(channels, cells * 8, cells * 8, batch=1)]
    decoder(given).square().sum().backward()
    gradients = [parameter.grad for parameter in decoder.parameters() if parameter.requires_grad]
    assert all(gradient is not None and torch.isfinite(gradient).all() for gradient in gradients)
    assert any(feature.grad is not None for feature in given)


def test_every_decoder_is_tested_here():
    assert {name for name, *_ in ALL} == set(ISTHMUS_DECODER_REGISTRY)


@pytest.mark.parametrize("name", sorted(ISTHMUS_DECODER_REGISTRY))
def test_what_the_registry_knows_is_true(name):
    entry = ISTHMUS_DECODER_REGISTRY.entry(name)
    constructor = entry.load()
    assert bool(getattr(constructor, "includes_head", False)) == entry.facts["includes_head"]
    assert entry.signature().names[0] == "channel_list"
    assert not entry.signature().is_open


@pytest.mark.parametrize(("name", "arguments", "channels", "fine"), ALL, ids=IDS)
def test_says_what_it_needs_before_it_is_built(name, arguments, channels, fine):
    constructor = DECODER_REGISTRY.entry(name).load()
    assert constructor.requirement_for(**arguments) == build(name, arguments, channels).requirement


def test_requirements():
    pyramid = [FeatureSpec(8, Layout.GRID, (4.0 * 2**i, 4.0 * 2**i)) for i in range(4)]
    equal = [FeatureSpec(8, Layout.GRID, (16.0, 16.0))] * 4
    tokens = [FeatureSpec(8, Layout.TOKENS, (16.0, 16.0), 1)] * 4
    unet = UNetDecoder.requirement_for(channels=[8, 8, 8, 8])
    assert not unet.unmet(pyramid)
    assert unet.unmet(equal)
    assert unet.unmet(pyramid[:3])
    assert UperNetDecoder.requirement_for(channels=8).pyramid is Pyramid.PREFERRED
    assert not UperNetDecoder.requirement_for(channels=8).unmet(equal)
    assert not UperNetDecoder.requirement_for(scale_modules=True).unmet(equal)
    assert UperNetDecoder.requirement_for(scale_modules=True).unmet(equal[:3])
    assert FCNDecoder.requirement_for().unmet(tokens)
    assert not IdentityDecoder.requirement_for().unmet(tokens)
    assert not MLPDecoder.requirement_for().unmet([FeatureSpec(8, Layout.VECTOR)] * 3)


def test_scale_modules_are_the_learned_neck():
    """The deprecated switch gives what the neck in front of the decoder gives."""
    from isthmus.models.necks import LearnedInterpolateToPyramidal

    with pytest.warns(UserWarning, match="put the neck LearnedInterpolateToPyramidal before it"):
        scaling = UperNetDecoder([8, 8, 8, 8], channels=6, scale_modules=True).eval()
    neck = LearnedInterpolateToPyramidal([8, 8, 8, 8]).eval()
    plain = UperNetDecoder(neck.process_channel_list([8, 8, 8, 8]), channels=6).eval()
    state = scaling.state_dict()
    neck.load_state_dict({key: value for key, value in state.items() if key.startswith(("fpn1", "fpn2"))})
    plain.load_state_dict({key: value for key, value in state.items() if not key.startswith(("fpn1", "fpn2"))})
    maps = features(EQUAL, 6, 10)
    with torch.no_grad():
        torch.testing.assert_close(scaling(maps), plain(neck(maps)))


def test_vectors_are_joined_by_the_mlp():
    decoder = MLPDecoder([3, 5], out_index=0)
    assert decoder([torch.randn(2, 3), torch.randn(2, 5)]).shape == (2, 3)


@pytest.mark.parametrize(
    ("build_it", "error", "says"),
    [
        (lambda: UNetDecoder([8, 8, 8], [8, 8]), CompositionError, "2 channels .* 3 features .*SelectIndices"),
        (lambda: UNetDecoder([], []), CompositionError, "0 features"),
        (lambda: UNetDecoder([8], [8], use_batchnorm="batchnrom"), ArgumentError, "'batchnorm'.*identity"),
        (lambda: UNetDecoder([8], [8], attention_type="sce"), ArgumentError, "'scse'"),
        (lambda: FCNDecoder([8], num_convs=0), ArgumentError, "num_convs is 0"),
        (lambda: FCNDecoder([8], in_index=1), CompositionError, "feature 1, but there are 1"),
        (lambda: LinearDecoder([8], 2, 2, in_index=-2), CompositionError, "feature -2"),
        (lambda: IdentityDecoder([8], out_index=3), CompositionError, "feature 3"),
        (lambda: MLPDecoder([8], activation="GELUU"), ArgumentError, "'GELU'"),
        (lambda: MLPDecoder([8], activation="no.such.Act"), ArgumentError, "'no.such'"),
        (lambda: MLPDecoder([8], out_index=4), CompositionError, "feature 4"),
        (lambda: UperNetDecoder([]), CompositionError, "at least one"),
        (lambda: ASPPHead([8], in_channels=9), CompositionError, "in_channels is 9.*8 channels"),
        (lambda: ASPPHead([8, 8], in_index=[0, 1]), ArgumentError, "'resize_concat'"),
        (
            lambda: ASPPHead([8, 8], in_index=[0, 1], input_transform="multiple_select"),
            ArgumentError,
            "'resize_concat'",
        ),
        (lambda: ASPPRegressionHead([8], input_transform="resize_conact"), ArgumentError, "did you mean"),
        (lambda: ASPPSegmentationHead([8], 2, in_index=5), CompositionError, "feature 5"),
    ],
)
def test_refuses_while_building(build_it, error, says):
    with pytest.raises(error, match=says):
        build_it()


@pytest.mark.parametrize(
    ("decoder", "shapes", "says"),
    [
        (UNetDecoder([8, 8], [8, 8]), [(1, 8, 4, 4)], "2 features, but was handed 1"),
        (UNetDecoder([8], [8]), [(1, 16, 8)], "ReshapeTokensToImage"),
        (UperNetDecoder([8, 8], channels=4), [(1, 8, 4, 4)] * 3, "2 features, but was handed 3"),
        (UperNetDecoder([8], channels=4), [(1, 8)], "grids"),
        (FCNDecoder([8, 8], 4, in_index=1), [(1, 8, 4, 4)], "feature 1, but was handed 1"),
        (LinearDecoder([8], 2, 2), [(1, 16, 8)], "grids"),
        (ASPPHead([8], channels=4), [(1, 16, 8)], "grids"),
        (MLPDecoder([8, 8]), [(1, 8, 4, 4), (1, 8, 2, 2)], "equal size"),
        (MLPDecoder([8]), [(1, 16, 8)], "vectors"),
        (IdentityDecoder([8, 8], 1), [(1, 8)], "feature 1"),
    ],
)
def test_refuses_features(decoder, shapes, says):
    with pytest.raises(ShapeError, match=says):
        decoder([torch.randn(shape) for shape in shapes])
