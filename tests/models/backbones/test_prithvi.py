import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import ArgumentError, ShapeError
from isthmus.models.backbones.prithvi.catalog import VARIANTS
from isthmus.models.factories import EncoderDecoderFactory
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.signatures import check_arguments
from isthmus.specs.features import Layout

PRITHVI = sorted(VARIANTS)
TIMES = torch.tensor([[[2018.0, 30.0]], [[2019.0, 37.0]]])
PLACES = torch.tensor([[10.5, -70.25], [7.5, -59.25]])


def small(name="prithvi_eo_tiny", **kwargs):
    return ISTHMUS_BACKBONE_REGISTRY.build(name, **{"depth": 2, "img_size": 64} | kwargs).eval()


@pytest.mark.parametrize("name", PRITHVI)
def test_the_facts_are_those_of_what_is_built(name):
    entry = ISTHMUS_BACKBONE_REGISTRY.entry(name)
    with torch.device("meta"):
        encoder = entry.build()
    assert sum(parameter.numel() for parameter in encoder.parameters()) == entry.facts["parameters"]
    assert encoder.bands == entry.facts["bands"]
    assert encoder.patch_size == (1, entry.facts["patch_size"], entry.facts["patch_size"])
    assert encoder.image_size == (entry.facts["image_size"],) * 2
    assert (encoder.temporal_embed_enc is not None) == name.endswith("_tl")


@pytest.mark.parametrize("name", PRITHVI)
def test_pretrained_weights_are_not_asked_for_on_meta(name):
    with torch.device("meta"):
        encoder = ISTHMUS_BACKBONE_REGISTRY.build(name, pretrained=True)
    assert encoder.weights_report is None


@pytest.mark.parametrize("argument", ["backbone_pretrianed", "pretrianed", "vit_adaptor"])
def test_an_unknown_argument_is_an_error(argument):
    signature = ISTHMUS_BACKBONE_REGISTRY.entry("prithvi_eo_tiny").signature()
    assert not signature.is_open
    assert "variant" not in signature.names
    with pytest.raises(ArgumentError, match=argument):
        check_arguments(signature, [argument], "prithvi_eo_tiny")
    with pytest.raises(TypeError, match=argument):
        small(**{argument: True})


@settings(max_examples=20, deadline=None)
@given(frames=st.integers(1, 3), height=st.integers(1, 7), width=st.integers(1, 7), tubelet=st.booleans())
def test_tokens_are_what_the_specs_say_for_any_size(frames, height, width, tubelet):
    patch = (frames if tubelet else 1, 8, 4)
    encoder = small(embed_dim=32, num_heads=2, depth=1, num_frames=frames, patch_size=patch)
    [feature] = encoder(torch.zeros(2, 6, frames, 8 * height, 4 * width))
    [spec] = encoder.feature_specs
    assert spec.layout is Layout.TOKENS
    assert spec.stride == (8, 4)
    assert spec.time_steps == frames // patch[0]
    assert feature.shape == (2, spec.prefix_tokens + spec.time_steps * height * width, spec.channels)
    assert encoder.out_channels == [spec.channels * spec.time_steps]


def test_a_deep_copy_runs_its_own_weights():
    encoder, x = small(), torch.ones(1, 6, 64, 64)
    with torch.no_grad():
        before = encoder(x)[-1]
        copied = copy.deepcopy(encoder)
        for parameter in copied.parameters():
            parameter.zero_()
        assert copied(x)[-1].abs().max() == 0
        assert torch.equal(encoder(x)[-1], before)


def test_out_indices_pick_blocks_and_only_the_last_block_is_normalised():
    encoder, x = small(depth=4), torch.randn(1, 6, 64, 64)
    picked = small(depth=4, out_indices=[-1, 0])
    picked.load_state_dict(encoder.state_dict())
    every = encoder(x)
    assert picked.out_channels == [256, 256]
    for feature, expected in zip(picked(x), [every[3], every[0]], strict=True):
        assert torch.equal(feature, expected)
    torch.testing.assert_close(every[3].mean(-1), torch.zeros(1, 17), atol=1e-5, rtol=0)
    assert every[2].mean(-1).abs().max() > 1e-3


def test_without_coordinates_their_encoding_is_left_out():
    encoder = small("prithvi_eo_v2_tiny_tl")
    plain = small("prithvi_eo_v2_tiny_tl", coords_encoding=[])
    plain.load_state_dict(encoder.state_dict(), strict=False)
    x = torch.randn(2, 6, 64, 64)
    assert torch.equal(encoder(x)[-1], plain(x)[-1])
    assert torch.equal(plain(x, temporal_coords=TIMES, location_coords=PLACES)[-1], plain(x)[-1])
    for coordinates in ({"temporal_coords": TIMES}, {"location_coords": PLACES}):
        assert not torch.allclose(encoder(x, **coordinates)[-1], encoder(x)[-1])


def test_every_parameter_is_trained():
    encoder = small("prithvi_eo_v2_tiny_tl").train()
    encoder(torch.randn(2, 6, 64, 64), TIMES, PLACES)[-1].square().sum().backward()
    without = [name for name, parameter in encoder.named_parameters() if parameter.grad is None]
    assert without == []
    assert encoder.temporal_embed_enc.scale.grad.abs().item() > 0


def test_the_encoding_of_dates_is_exact_in_low_precision():
    exact = small("prithvi_eo_v2_tiny_tl")
    low = copy.deepcopy(exact).bfloat16()
    features = low(torch.zeros(2, 6, 64, 64, dtype=torch.bfloat16), TIMES, PLACES)
    assert {feature.dtype for feature in features} == {torch.bfloat16}
    torch.testing.assert_close(
        features[-1].float(), exact(torch.zeros(2, 6, 64, 64), TIMES, PLACES)[-1], atol=0.1, rtol=0
    )


def test_stochastic_depth_grows_with_depth_and_rests_in_evaluation():
    encoder = small(depth=4, drop_path=0.6)
    assert [block.drop_path.rate for block in encoder.blocks] == pytest.approx([0, 0.2, 0.4, 0.6])
    x = torch.randn(1, 6, 64, 64)
    assert torch.equal(encoder(x)[-1], encoder(x)[-1])
    torch.manual_seed(0)
    branch = encoder.blocks[3].drop_path.train()(torch.ones(1000, 3))
    assert branch.unique().tolist() == pytest.approx([0.0, 2.5])
    assert branch.mean().item() == pytest.approx(1.0, abs=0.15)


def test_the_same_seed_gives_the_same_weights():
    torch.manual_seed(3)
    first = small().state_dict()
    torch.manual_seed(3)
    second = small().state_dict()
    assert all(torch.equal(tensor, second[key]) for key, tensor in first.items())
    assert all(tensor.isfinite().all() for tensor in first.values())
    fan_in, fan_out = 6 * 16 * 16, 256
    bound = (6 / (fan_in + fan_out)) ** 0.5
    assert first["patch_embed.proj.weight"].abs().max().item() == pytest.approx(bound, rel=1e-3)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"bands": ["RED"], "in_chans": 3}, "in_chans is 3, but bands lists 1"),
        ({"out_indices": [2]}, r"out_indices is \[2\], but the encoder has 2 blocks"),
        ({"out_indices": []}, "2 blocks"),
        ({"embed_dim": 40}, "a multiple of 16"),
        ({"num_heads": 3}, "of num_heads was expected"),
        ({"num_frames": 3, "patch_size": [2, 16, 16]}, "num_frames is 3: a multiple of patch_size"),
        ({"num_frames": 0}, "num_frames is 0"),
        ({"img_size": 8}, "smaller than a patch"),
        ({"img_size": [64]}, "height and width"),
        ({"patch_size": [16, 16]}, "time, height and width"),
        ({"coords_encoding": ["tiem"]}, "did you mean 'time'"),
        ({"coords_encoding": ["time"], "num_frames": 3, "patch_size": [3, 16, 16]}, "covers one frame"),
    ],
)
def test_arguments_without_meaning_are_refused(kwargs, message):
    with pytest.raises(ArgumentError, match=message):
        small(**kwargs)


@pytest.mark.parametrize(
    ("shape", "coordinates", "message"),
    [
        ((2, 4, 64, 64), {}, r"takes 6 bands \(BLUE, GREEN, RED, NIR_NARROW, SWIR_1, SWIR_2\)"),
        ((2, 64, 64), {}, r"\(B, C, H, W\) or \(B, C, T, H, W\)"),
        ((2, 6, 8, 64), {}, "smaller than a patch"),
        ((2, 6, 4, 64, 64), {}, r"takes 1 frame.s., but the image .* has 4: build it with num_frames 4"),
        ((2, 6, 64, 64), {"temporal_coords": PLACES}, r"temporal_coords has the shape \(2, 2\): \(2, 1, 2\)"),
        ((2, 6, 64, 64), {"location_coords": PLACES[:1]}, r"location_coords has the shape \(1, 2\): \(2, 2\)"),
    ],
)
def test_shapes_that_break_the_contract_are_refused(shape, coordinates, message):
    with pytest.raises(ShapeError, match=message):
        small("prithvi_eo_v2_tiny_tl")(torch.zeros(shape), **coordinates)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 6, 2, 64, 64), "takes 3 frame.s., but .* has 2"),
        ((1, 6, 12, 64, 64), "takes 3 frame.s., but .* has 12"),  # whose tokens would fill a finer grid
        ((1, 18, 64, 64), "with T = 3, .*: 18 channels are 3 frames of 6 bands.*expand_temporal_dimension: true"),
        ((1, 6, 64, 64), r"with T = 3, but was given \(1, 6, 64, 64\)$"),
    ],
)
@pytest.mark.parametrize("whole_model", [False, True])
def test_another_number_of_frames_is_refused(shape, message, whole_model):
    encoder = small(num_frames=3)
    necks = [{"name": "ReshapeTokensToImage", "effective_time_dim": 3}]
    factory = EncoderDecoderFactory()
    model = factory.build_model("segmentation", encoder, "FCNDecoder", necks=necks, num_classes=2)
    with pytest.raises(ShapeError, match=message):
        (model if whole_model else encoder)(torch.zeros(shape))


def test_a_border_that_is_no_whole_patch_is_left_out_with_a_warning():
    encoder, x = small(), torch.randn(1, 6, 70, 64)
    with pytest.warns(UserWarning, match="the last 6 rows and 0 columns are not seen"):
        features = encoder(x)
    assert torch.equal(features[-1], encoder(x[:, :, :64])[-1])


@pytest.mark.slow
def test_it_can_be_exported():
    encoder = small("prithvi_eo_v2_tiny_tl", img_size=32)
    x, coordinates = torch.randn(2, 6, 48, 64), {"temporal_coords": TIMES, "location_coords": PLACES}
    exported = torch.export.export(encoder, (x,), coordinates).module()
    for feature, expected in zip(exported(x, **coordinates), encoder(x, **coordinates), strict=True):
        torch.testing.assert_close(feature, expected)
