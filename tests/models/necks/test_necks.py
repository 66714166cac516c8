"""What every neck keeps to, and what each refuses."""

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import ArgumentError, CompositionError, ShapeError
from isthmus.models.necks import (
    AddBottleneckLayer,
    AggregateTokens,
    InterpolateToPyramidal,
    LearnedInterpolateToPyramidal,
    MaxpoolToPyramidal,
    Neck,
    NeckSequential,
    PermuteDims,
    ReshapeTokensToImage,
    SelectIndices,
    build_neck_list,
)
from isthmus.models.necks.reshape_tokens import grid_of_patches
from isthmus.registry import NECK_REGISTRY
from isthmus.specs.features import FeatureSpec, Layout

PATCH = 16
GRIDS = [FeatureSpec(channels, Layout.GRID, (16.0, 16.0)) for channels in (8, 12, 16, 20)]
LAST = [FeatureSpec(8, Layout.GRID_LAST, (16.0, 16.0))] * 4
TOKENS = [FeatureSpec(8, Layout.TOKENS, (16.0, 16.0), prefix_tokens=1)] * 4
PLAIN_TOKENS = [FeatureSpec(8, Layout.TOKENS, (16.0, 16.0))] * 4
SERIES = [FeatureSpec(8, Layout.TOKENS, (16.0, 16.0), prefix_tokens=1, time_steps=3)] * 2
REGISTERS = [FeatureSpec(8, Layout.TOKENS, (16.0, 16.0), prefix_tokens=5)] * 2
PYRAMID = [FeatureSpec(4 * 2**i, Layout.GRID, (4.0 * 2**i, 4.0 * 2**i)) for i in range(4)]

VALID = [
    ("SelectIndices", {"indices": [3, -3, 1]}, GRIDS),
    ("SelectIndices", {"indices": [1, 0]}, SERIES),
    ("PermuteDims", {"new_order": [0, 3, 1, 2]}, LAST),
    ("PermuteDims", {"new_order": [0, -2, -1, 1]}, GRIDS),
    ("PermuteDims", {"new_order": [0, 1, 2, 3]}, [FeatureSpec(8, Layout.GRID, (8.0, 16.0))]),
    ("ReshapeTokensToImage", {}, TOKENS),
    ("ReshapeTokensToImage", {}, GRIDS),
    ("ReshapeTokensToImage", {"remove_cls_token": False}, PLAIN_TOKENS),
    ("ReshapeTokensToImage", {"effective_time_dim": 3}, SERIES),
    ("ReshapeTokensToImage", {"remove_cls_token": 5}, REGISTERS),
    ("AggregateTokens", {}, TOKENS),
    ("AggregateTokens", {"pooling": "CLS", "indices": [0, 2]}, TOKENS),
    ("AggregateTokens", {"pooling": 3, "index": 0}, SERIES),
    ("AggregateTokens", {"pooling": "min", "drop_cls": True}, TOKENS),
    ("AggregateTokens", {"pooling": "max"}, GRIDS),
    ("InterpolateToPyramidal", {}, GRIDS),
    ("InterpolateToPyramidal", {"scale_factor": 3, "mode": "bilinear"}, GRIDS[:2]),
    ("MaxpoolToPyramidal", {}, GRIDS[:2]),
    ("LearnedInterpolateToPyramidal", {}, GRIDS),
    ("AddBottleneckLayer", {}, GRIDS),
    ("FeaturePyramidNetworkNeck", {"out_channel": 6}, PYRAMID),
]
IDS = [f"{name}-{i}" for i, (name, *_) in enumerate(VALID)]


def tensor(spec: FeatureSpec, image_size: tuple[int, int], batch: int = 2) -> torch.Tensor:
    if spec.layout is Layout.VECTOR:
        return torch.randn(batch, spec.channels)
    height, width = (math.floor(side / stride) for side, stride in zip(image_size, spec.stride, strict=True))
    if spec.layout is Layout.TOKENS:
        return torch.randn(batch, spec.prefix_tokens + spec.time_steps * height * width, spec.channels)
    shape = (spec.channels, height, width) if spec.layout is Layout.GRID else (height, width, spec.channels)
    return torch.randn(batch, *shape)


def build(name: str, arguments: dict, specs: list[FeatureSpec]) -> Neck:
    (neck,), _ = build_neck_list([{"name": name, **arguments}], [spec.out_channels for spec in specs])
    return neck.eval()


@pytest.mark.parametrize(("name", "arguments", "specs"), VALID, ids=IDS)
@settings(max_examples=8, deadline=None)
@given(height=st.integers(2, 7), width=st.integers(2, 7))
def test_hands_out_what_it_says(name, arguments, specs, height, width):
    image_size = (height * PATCH, width * PATCH)
    neck = build(name, arguments, specs)
    with torch.no_grad():
        out = neck([tensor(spec, image_size) for spec in specs], image_size=image_size)
    said = neck.process_specs(specs)
    assert [each.shape for each in out] == [tensor(spec, image_size).shape for spec in said]
    if name != "AggregateTokens" and not any(spec.time_steps > 1 for spec in said):
        assert neck.process_channel_list([spec.out_channels for spec in specs]) == [spec.channels for spec in said]


@pytest.mark.parametrize(("name", "arguments", "specs"), VALID, ids=IDS)
def test_leaves_everything_as_it_was(name, arguments, specs):
    neck = build(name, arguments, specs)
    given_features = [tensor(spec, (64, 96)) for spec in specs]
    before = [feature.clone() for feature in given_features]
    same = list(given_features)
    channels = [spec.out_channels for spec in specs]
    kept = list(channels)
    state = repr({key: value for key, value in vars(neck).items() if not key.startswith("_")})
    first = neck(given_features, image_size=(64, 96))
    neck.process_channel_list(channels)
    assert channels == kept
    assert len(same) == len(given_features)
    assert all(a is b for a, b in zip(same, given_features, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(before, given_features, strict=True))
    assert repr({key: value for key, value in vars(neck).items() if not key.startswith("_")}) == state
    clone = copy.deepcopy(neck)
    second = clone(given_features, image_size=(64, 96))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(("name", "arguments", "specs"), VALID, ids=IDS)
def test_exports(name, arguments, specs):
    sequence = NeckSequential(build(name, arguments, specs)).eval()
    features = [tensor(spec, (64, 96)) for spec in specs]
    program = torch.export.export(sequence, (features,), {"image_size": (64, 96)}, strict=False)
    exported = program.module()(features, image_size=(64, 96))
    expected = sequence(features, image_size=(64, 96))
    assert len(exported) == len(expected)
    for a, b in zip(exported, expected, strict=True):
        torch.testing.assert_close(a, b)


def test_every_neck_is_tested_here():
    assert {name for name, *_ in VALID} == set(NECK_REGISTRY["isthmus"])


@given(patch=st.integers(1, 40), height=st.integers(1, 30), width=st.integers(1, 30))
def test_the_grid_is_found_from_the_image_size(patch, height, width):
    assert grid_of_patches((height * patch, width * patch), height * width) == (height, width)


@given(height=st.integers(1, 300), width=st.integers(1, 300), count=st.integers(1, 2000))
def test_a_grid_tiles_the_image(height, width, count):
    found = grid_of_patches((height, width), count)
    tilings = [
        (height // patch, width // patch)
        for patch in range(1, min(height, width) + 1)
        if height % patch == width % patch == 0 and (height // patch) * (width // patch) == count
    ]
    assert ([] if found is None else [found]) == tilings


@pytest.mark.parametrize(("height", "width"), [(4, 9), (8, 32), (32, 8), (5, 7), (1, 16)])
@pytest.mark.parametrize("prefix", [0, 1])
def test_grids_that_look_square_are_not_taken_for_squares(height, width, prefix):
    """An image of 128 x 512 pixels has 8 x 32 patches of 16 pixels, as many as 16 x 16."""
    places = torch.arange(height * width, dtype=torch.float32)
    tokens = torch.cat([torch.full((prefix,), -1.0), places])[None, :, None]
    neck = ReshapeTokensToImage([1], remove_cls_token=bool(prefix))
    (grid,) = neck([tokens], image_size=(height * PATCH, width * PATCH))
    assert torch.equal(grid, places.reshape(1, 1, height, width))


def test_no_real_token_is_taken_for_a_class_token():
    """50 patches less one are 49, a square; but the image says 5 x 10."""
    tokens = torch.randn(1, 50, 3)
    with pytest.warns(UserWarning, match="uses all 50 tokens"):
        (grid,) = ReshapeTokensToImage([3])([tokens], image_size=(80, 160))
    assert torch.equal(grid, tokens.transpose(1, 2).reshape(1, 3, 5, 10))


def test_time_steps_become_channels_step_by_step():
    tokens = torch.randn(2, 1 + 3 * 4 * 6, 5)
    (grid,) = ReshapeTokensToImage([15], effective_time_dim=3)([tokens], image_size=(64, 96))
    frames = tokens[:, 1:].reshape(2, 3, 4, 6, 5)
    for step in range(3):
        torch.testing.assert_close(grid[:, step * 5 : step * 5 + 5], frames[:, step].permute(0, 3, 1, 2))


@pytest.mark.parametrize(
    ("arguments", "tokens", "image_size", "says"),
    [
        ({}, 38, (64, 96), "37|38 tokens.*64 x 96"),
        ({"remove_cls_token": False}, 25, (64, 96), "with remove_cls_token True they would fit"),
        ({"remove_cls_token": 5}, 25, (64, 96), "with remove_cls_token True they would fit"),
        ({}, 24, None, "give it the image size"),
        ({"h": 4}, 24, None, "height 4"),
        ({"effective_time_dim": 2}, 26, (64, 96), "2 time steps"),
        ({}, 1, (64, 96), "1 tokens"),
    ],
)
def test_tokens_without_a_grid_are_refused(arguments, tokens, image_size, says):
    with pytest.raises(ShapeError, match=says):
        ReshapeTokensToImage([3], **arguments)([torch.randn(1, tokens, 3)], image_size=image_size)


@pytest.mark.parametrize(
    ("build_it", "error", "says"),
    [
        (lambda: SelectIndices([8, 8], [0, 2]), CompositionError, "feature 2, but there are 2"),
        (lambda: AggregateTokens([8, 8], index=-3), CompositionError, "feature -3, but there are 2"),
        (lambda: AggregateTokens([8], pooling="meen"), ArgumentError, "'mean'.*mean, max, min, CLS"),
        (lambda: AggregateTokens([8], pooling="cls", drop_cls=True), ArgumentError, "drop_cls"),
        (lambda: InterpolateToPyramidal([8], mode="bilinaer"), ArgumentError, "'bilinear'.*nearest-exact"),
        (lambda: InterpolateToPyramidal([8], scale_factor=0), ArgumentError, "at least 1"),
        (lambda: MaxpoolToPyramidal([8], kernel_size=0), ArgumentError, "at least 1"),
        (lambda: PermuteDims([8], [0, 3, 1, 1]), ArgumentError, "0 to 3"),
        (lambda: PermuteDims([8], [0, 4, 1, 2]), ArgumentError, "0 to 3"),
        (lambda: ReshapeTokensToImage([8], h=0), ArgumentError, "h is 0"),
        (lambda: ReshapeTokensToImage([8], effective_time_dim=0), ArgumentError, "effective_time_dim is 0"),
        (lambda: LearnedInterpolateToPyramidal([8] * 12), CompositionError, "given 12; put SelectIndices"),
        (lambda: LearnedInterpolateToPyramidal([2, 8, 8, 8]), CompositionError, "2 and 8"),
        (lambda: AddBottleneckLayer([1]), CompositionError, "halves"),
        (lambda: build_neck_list([{"indices": [0]}], [8]), ArgumentError, r"necks\[0\]"),
        (lambda: build_neck_list([{"name": "SelectIndices"}], [8]), ArgumentError, "needs the argument 'indices'"),
        (
            lambda: build_neck_list([{"name": "SelectIndices", "indexes": [0]}], [8]),
            ArgumentError,
            "no argument 'indexes'; did you mean 'indices'",
        ),
    ],
)
def test_refuses_while_building(build_it, error, says):
    with pytest.raises(error, match=says):
        build_it()


@pytest.mark.parametrize(
    ("neck", "shapes", "says"),
    [
        (SelectIndices([8, 8], [1]), [(1, 8, 4, 4)], "feature 1, but was handed 1"),
        (AggregateTokens([8], pooling=9), [(1, 4, 8)], "position 9, but there are 4"),
        (AggregateTokens([8]), [(1, 8)], "tokens"),
        (MaxpoolToPyramidal([8, 8, 8]), [(1, 8, 3, 3)] * 3, "3 x 3 cells"),
        (LearnedInterpolateToPyramidal([8] * 4), [(1, 8, 4, 4)] * 3 + [(1, 8, 1, 4)], "2 x 2"),
        (LearnedInterpolateToPyramidal([8] * 4), [(1, 16, 8)] * 4, "ReshapeTokensToImage"),
        (InterpolateToPyramidal([8]), [(1, 16, 8)], "ReshapeTokensToImage"),
        (PermuteDims([8], [0, 2, 1]), [(1, 8, 4, 4)], "does not fit feature 0"),
        (ReshapeTokensToImage([8]), [(1, 8)], "tokens"),
    ],
)
def test_refuses_features(neck, shapes, says):
    with pytest.raises(ShapeError, match=says):
        neck([torch.randn(shape) for shape in shapes], image_size=(64, 64))


@pytest.mark.parametrize(
    ("name", "arguments", "specs", "says"),
    [
        ("LearnedInterpolateToPyramidal", {}, TOKENS, "put ReshapeTokensToImage before it"),
        ("MaxpoolToPyramidal", {}, LAST, r"PermuteDims with new_order \[0, 3, 1, 2\]"),
        ("AddBottleneckLayer", {}, [FeatureSpec(8, Layout.VECTOR)], "no grid left"),
        ("ReshapeTokensToImage", {}, SERIES, "set effective_time_dim to 3"),
        ("ReshapeTokensToImage", {}, REGISTERS, "set remove_cls_token to 5"),
        ("ReshapeTokensToImage", {"remove_cls_token": False}, TOKENS, "set remove_cls_token to 1"),
        ("AggregateTokens", {"pooling": "CLS"}, GRIDS, "has none"),
        ("AggregateTokens", {}, [FeatureSpec(8, Layout.VECTOR)], "pools tokens or grids"),
        ("PermuteDims", {"new_order": [0, 2, 1]}, GRIDS, "3 axes"),
        ("PermuteDims", {"new_order": [1, 0, 2, 3]}, GRIDS, "no known layout"),
        ("PermuteDims", {"new_order": [0, 1, 3, 2]}, GRIDS, "no known layout"),
    ],
)
def test_refuses_specs(name, arguments, specs, says):
    with pytest.raises(CompositionError, match=says):
        build(name, arguments, specs).process_specs(specs)


def test_tokens_with_channels_in_front_count_as_a_grid():
    (spec,) = PermuteDims([8], [0, 2, 1]).process_specs(TOKENS[:1])
    assert spec == FeatureSpec(8, Layout.GRID)


class _Deaf(Neck):
    """A neck of someone else that is not told the image size."""

    def process_channel_list(self, channel_list):
        return channel_list

    def forward(self, features):
        return [feature + 1 for feature in features]


class _Broken(_Deaf):
    calls = 0

    def forward(self, features, **kwargs):
        type(self).calls += 1
        raise TypeError("inside the neck")


def test_necks_that_take_no_image_size_work():
    sequence = NeckSequential(_Deaf([3]), ReshapeTokensToImage([3]), _Deaf([3]))
    (out,) = sequence([torch.zeros(1, 16 + 1, 3)], image_size=(32, 128))
    assert out.shape == (1, 3, 2, 8)
    assert float(out.min()) == 2


def test_an_error_inside_a_neck_is_shown():
    with pytest.raises(TypeError, match="inside the neck"):
        NeckSequential(_Broken([3]))([torch.zeros(1, 3)], image_size=(1, 1))
    assert _Broken.calls == 1


def test_necks_are_built_in_order_from_descriptions_that_stay():
    ops = [{"name": "isthmus_SelectIndices", "indices": [2, 0]}, {"name": "AddBottleneckLayer"}]
    channels = [8, 12, 16]
    necks, out = build_neck_list(ops, channels)
    assert [type(neck).__name__ for neck in necks] == ["SelectIndices", "AddBottleneckLayer"]
    assert out == [16, 8, 4]
    assert ops[0] == {"name": "isthmus_SelectIndices", "indices": [2, 0]}
    assert channels == [8, 12, 16]
    assert list(NeckSequential(*necks).state_dict()) == ["1.bottleneck.weight", "1.bottleneck.bias"]


def test_gradients_flow_through_a_chain():
    ops = [{"name": "ReshapeTokensToImage"}, {"name": "LearnedInterpolateToPyramidal"}, {"name": "AddBottleneckLayer"}]
    necks, channels = build_neck_list(ops, [8] * 4)
    sequence = NeckSequential(*necks)
    tokens = [torch.randn(2, 25, 8, requires_grad=True) for _ in range(4)]
    out = sequence(tokens, image_size=(64, 96))
    assert [each.shape[1] for each in out] == channels
    sum(each.sum() for each in out).backward()
    assert all(parameter.grad is not None for parameter in sequence.parameters())
    assert all(token.grad is not None for token in tokens)
