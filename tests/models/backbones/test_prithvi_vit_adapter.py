"""Prithvi with a ViT-Adapter: the recorded numbers, and what its parts promise."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import cases, differences, load_manifests, load_oracle

from isthmus.errors import ArgumentError, ShapeError
from isthmus.models.factories import EncoderDecoderFactory
from isthmus.models.layers.deformable_attention import DeformableAttention
from isthmus.models.layers.vit_adapter import centres
from isthmus.plan import check_encoder, plan
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.specs.features import Layout

TIMES, PLACES = torch.tensor([[[2018.0, 30.0]]]), torch.tensor([[10.5, -70.25]])


def small(name="prithvi_eo_tiny", **kwargs):
    sizes = {"embed_dim": 32, "num_heads": 2, "depth": 4, "img_size": 64}
    return ISTHMUS_BACKBONE_REGISTRY.build(name, vit_adapter=True, **{**sizes, **kwargs}).eval()


def recorded_name(key):
    return key.replace("spm.level_embed", "level_embed")


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("case", [pytest.param(c, id=c["id"]) for c in cases("backbones", "prithvi_adapter_sim.")])
def test_agrees_with_the_recorded_outputs(case, shared):
    encoder = ISTHMUS_BACKBONE_REGISTRY.build(case["registry"], **case["kwargs"]).eval()
    manifest = load_manifests().manifest(case)
    state = {recorded_name(key): tensor for key, tensor in encoder.state_dict().items()}
    assert {key: tuple(tensor.shape) for key, tensor in state.items()} == {key: shape for key, shape, *_ in manifest}
    assert sum(parameter.numel() for parameter in encoder.parameters()) == case["total_params"]
    assert encoder.out_channels == case["out_channels"]
    assert encoder.out_indices == case["out_indices"]
    check = load_oracle()
    check.fill_(encoder, fixed=load_manifests().fixed_keys(case), rename=recorded_name)
    for run in case["runs"]:
        inputs = check.make_inputs(run["inputs"])
        with torch.no_grad():
            assert differences(run["outputs"], encoder(inputs.pop("x"), **inputs)) == [], run["id"]


@settings(max_examples=10, deadline=None)
@given(height=st.integers(1, 4), width=st.integers(1, 4))
def test_maps_are_what_the_specs_say_for_any_size(height, width):
    encoder = small()
    features = encoder(torch.zeros(2, 6, 32 * height, 32 * width))
    for feature, spec, stride in zip(features, encoder.feature_specs, (4, 8, 16, 32), strict=True):
        assert spec.layout is Layout.GRID
        assert spec.stride == (stride, stride)
        assert feature.shape == (2, spec.channels, 32 * height // stride, 32 * width // stride)
    assert encoder.out_channels == [32] * 4


def test_at_first_the_tokens_are_those_of_the_plain_encoder():
    encoder = small()
    tokens, groups = [], encoder._through
    encoder._through = lambda group, x: tokens.append(groups(group, x)) or tokens[-1]
    x = torch.randn(1, 6, 64, 96)
    encoder(x)
    plain = encoder.embed(x[:, :, None]).flatten(1, 3)
    for block in encoder.blocks:
        plain = block(plain)
    torch.testing.assert_close(tokens[-1], plain)


def test_every_parameter_is_trained():
    encoder = small("prithvi_eo_v2_tiny_tl", vpt=True, vpt_n_tokens=2).train()
    with torch.no_grad():
        for interaction in encoder.interactions:
            interaction.injector.gamma.fill_(0.1)
    features = encoder(torch.randn(2, 6, 64, 64), TIMES.repeat(2, 1, 1), PLACES.repeat(2, 1))
    sum(feature.square().sum() for feature in features).backward()
    assert [name for name, parameter in encoder.named_parameters() if parameter.grad is None] == []


def test_freezing_the_encoder_leaves_the_adapter_trainable():
    encoder = small("prithvi_eo_v2_tiny_tl")
    model = EncoderDecoderFactory().build_model("segmentation", encoder, "UperNetDecoder", num_classes=2)
    model.freeze_encoder()
    model.train()
    trained = [name for name, parameter in encoder.named_parameters() if parameter.requires_grad]
    assert trained == [name for name, _ in encoder.named_parameters() if name.startswith(encoder.added)]
    assert all(encoder.get_submodule(name).training for name in ("spm.stem.1", "interactions.0", "up", "norm4"))
    assert not encoder.blocks.training


def test_a_deep_copy_gives_the_same():
    encoder, x = small(), torch.randn(1, 6, 64, 64)
    for one, other in zip(copy.deepcopy(encoder)(x), encoder(x), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_published_weights_go_around_the_adapter(tmp_path, device):
    plain = ISTHMUS_BACKBONE_REGISTRY.build("prithvi_eo_tiny", embed_dim=32, num_heads=2, img_size=64)
    torch.save(plain.state_dict(), tmp_path / "plain.pt")
    with torch.device(device):
        encoder = small(ckpt_path=tmp_path / "plain.pt")
    if device == "meta":
        assert all(tensor.is_meta for tensor in encoder.state_dict().values())
        return
    for name, parameter in encoder.blocks.named_parameters():
        assert torch.equal(parameter, plain.blocks.get_parameter(name))
    report = encoder.weights_report
    assert report.random == ()
    assert {"spm.level_embed", "spm.stem.0.weight", "up.bias", "norm4.weight"} <= set(report.added)
    assert set(report.ignored) == {"cls_token", "norm.weight", "norm.bias", "pos_embed"}
    assert all(parameter.isfinite().all() for parameter in encoder.parameters())
    state = {recorded_name(key): tensor for key, tensor in encoder.state_dict().items()}
    torch.save(state, tmp_path / "whole.pt")
    again = small(ckpt_path=tmp_path / "whole.pt")
    assert again.weights_report.added == ()
    assert torch.equal(again.spm.level_embed, encoder.spm.level_embed)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"patch_size": 14, "img_size": 56}, "patches of 16 x 16 pixels and one frame"),
        ({"num_frames": 2}, "num_frames 2"),
        ({"depth": 6}, "4 equal groups, which 6 are not"),
        ({"out_indices": [0, 2, 1, 3]}, "4 different blocks, in order"),
        ({"out_indices": [1, 3]}, "4 different blocks"),
    ],
)
def test_arguments_without_meaning_are_refused(kwargs, message):
    with pytest.raises(ArgumentError, match=message):
        small(**kwargs)


def test_images_that_do_not_divide_are_refused():
    with pytest.raises(ShapeError, match="whose sides are multiples of 32"):
        small()(torch.zeros(1, 6, 48, 64))


def test_a_query_that_looks_at_its_own_cell_finds_it():
    """Without offsets, and with values passed through, attention to one map at the centres of its cells is identity."""
    attention = DeformableAttention(8, levels=1, num_heads=2, points=3)
    with torch.no_grad():
        attention.sampling_offsets.bias.zero_()
        for layer in (attention.value_proj, attention.output_proj):
            layer.weight.copy_(torch.eye(8))
    cells = torch.randn(2, 5 * 7, 8)
    found = attention(torch.randn(2, 35, 8), centres([(5, 7)], cells.device), cells, [(5, 7)])
    torch.testing.assert_close(found, cells)


def test_outside_a_map_there_is_nothing():
    attention = DeformableAttention(8, levels=1, num_heads=2)
    far = torch.tensor([[3.0, 3.0]])
    found = attention(torch.randn(1, 1, 8), far, torch.ones(1, 4, 8), [(2, 2)])
    assert found.abs().max() == 0


def test_the_first_directions_of_the_heads_lie_around_a_cell():
    offsets = DeformableAttention(16, levels=1, num_heads=4, points=2).sampling_offsets.bias.view(4, 2, 2)
    expected = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    torch.testing.assert_close(offsets[:, 0].detach(), expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(offsets[:, 1], 2 * offsets[:, 0])


def test_low_precision_looks_at_the_same_places():
    """In bfloat16 alone the places in a map of 300 columns would be off by up to a cell."""
    attention = DeformableAttention(8, levels=1, num_heads=2, points=1)
    with torch.no_grad():
        attention.sampling_offsets.bias.zero_()
        for layer in (attention.value_proj, attention.output_proj):
            layer.weight.copy_(torch.eye(8))
    cells = torch.randint(-8, 8, (1, 2 * 300, 8)).to(torch.bfloat16)
    places = centres([(2, 300)], cells.device)
    found = attention.bfloat16()(torch.zeros(1, 600, 8, dtype=torch.bfloat16), places, cells, [(2, 300)])
    torch.testing.assert_close(found, cells, atol=0.05, rtol=0.01)


def test_it_is_a_sound_encoder():
    check_encoder(small())


def test_a_plan_knows_its_maps():
    """On the meta device, where nothing is computed."""
    planned = plan(
        {
            "backbone": "prithvi_eo_v2_300",
            "backbone_vit_adapter": True,
            "decoder": "UperNetDecoder",
            "decoder_channels": 64,
            "num_classes": 2,
        },
        image_size=(256, 256),
    )
    assert planned.stages[0].outputs == [(1, 1024, size, size) for size in (64, 32, 16, 8)]


@pytest.mark.slow
def test_it_can_be_exported():
    encoder, x = small(), torch.randn(1, 6, 64, 96)
    exported = torch.export.export(encoder, (x,)).module()
    for feature, expected in zip(exported(x), encoder(x), strict=True):
        torch.testing.assert_close(feature, expected)
