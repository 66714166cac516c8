"""Prithvi-Swin: the recorded numbers, its weights, and what windows promise."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import cases, differences, load_manifests, load_oracle

from isthmus.errors import ArgumentError, ShapeError, WeightsError
from isthmus.models.backbones.prithvi_swin.catalog import VARIANTS
from isthmus.models.factories import EncoderDecoderFactory
from isthmus.plan import check_encoder
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.specs.features import Layout

SIZES = {"embed_dim": 16, "depths": [1, 2, 2, 1], "num_heads": [1, 2, 2, 4], "window_size": 4}


def small(name="prithvi_swin_B", **kwargs):
    return ISTHMUS_BACKBONE_REGISTRY.build(name, **{**SIZES, **kwargs}).eval()


def recorded_name(key):
    return key.replace("stages.", "stages_")


def published(encoder, layout):
    """The state of an encoder in the layouts in which such networks are stored."""
    state = encoder.state_dict()
    if layout == "recorded":
        return {recorded_name(key): tensor for key, tensor in state.items()}
    named = {
        f"norm{key.split('.')[1]}.{key.split('.')[3]}" if key.split(".")[2:3] == ["norm"] else key: tensor
        for key, tensor in state.items()
    }
    return {f"backbone.{key}": tensor for key, tensor in named.items()} | {"head.weight": torch.zeros(2, 2)}


@pytest.mark.real
@pytest.mark.parametrize(
    "case",
    [pytest.param(c, id=c["id"]) for c in cases("backbones", "prithvi_swin.") if not c["id"].endswith("_ignored")],
)
def test_agrees_with_the_recorded_outputs(case, shared):
    encoder = ISTHMUS_BACKBONE_REGISTRY.build(case["registry"], **case["kwargs"]).eval()
    check, manifest = load_oracle(), load_manifests().manifest(case)
    state = {recorded_name(key): tensor for key, tensor in encoder.state_dict().items()}
    assert {key: tuple(tensor.shape) for key, tensor in state.items()} == {key: shape for key, shape, *_ in manifest}
    for key, _, kind, fixed in manifest:
        if kind == "fixed":
            probes = check.probe_indices(state[key].numel(), 16).tolist()
            assert state[key].flatten()[probes].tolist() == fixed["values"], key
    assert encoder.out_channels == case["out_channels"]
    check.fill_(encoder, fixed=load_manifests().fixed_keys(case), rename=recorded_name)
    for run in case["runs"]:
        with torch.no_grad():
            features = encoder(check.make_inputs(run["inputs"])["x"])
        images = [feature.permute(0, 3, 1, 2) for feature in features]
        assert differences(run["outputs"], {"features": features, "image": images}) == [], run["id"]


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_the_facts_are_those_of_what_is_built(name):
    entry = ISTHMUS_BACKBONE_REGISTRY.entry(name)
    with torch.device("meta"):
        encoder = entry.build(pretrained=True)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == entry.facts["parameters"]
    assert all(tensor.is_meta for tensor in encoder.state_dict().values())
    assert encoder.bands == entry.facts["bands"]
    assert encoder.patch_size == (entry.facts["patch_size"],) * 2


@settings(max_examples=20, deadline=None)
@given(height=st.integers(1, 20), width=st.integers(1, 20), window=st.sampled_from([2, 3, 7]))
def test_maps_are_what_the_specs_say_for_any_size(height, width, window):
    encoder = small(window_size=window)
    features = encoder(torch.randn(1, 6, 4 * height, 4 * width))
    for feature, spec in zip(features, encoder.feature_specs, strict=True):
        assert spec.layout is Layout.GRID_LAST
        assert str(tuple(feature.shape)) == spec.shape((4 * height, 4 * width))
    assert encoder.out_channels == [16, 32, 64, 128]


def test_it_is_a_sound_encoder():
    check_encoder(small())
    check_encoder(small(bands=["RED", "VV"], out_indices=[-1, 0]))


def test_out_indices_pick_stages():
    encoder, x = small(), torch.randn(1, 6, 64, 32)
    picked = small(out_indices=[-1, 1])
    picked.load_state_dict(encoder.state_dict())
    assert picked.out_channels == [128, 32]
    every = encoder(x)
    assert all(torch.equal(one, other) for one, other in zip(picked(x), [every[3], every[1]], strict=True))


def test_tokens_see_their_window_and_with_a_shift_no_further_than_their_neighbours():
    """What is far away cannot be seen by one block; it can be seen in the end."""
    encoder, x = small().eval(), torch.randn(1, 6, 96, 96)
    changed = x.clone()
    changed[..., -4:, -4:] += 1.0
    stage = encoder.stages[1]
    before, after = (encoder.stages[0](encoder.patch_embed(each))[1] for each in (x, changed))
    differing = (stage.blocks(before) - stage.blocks(after)).abs().amax((0, 3)) > 1e-6
    assert differing[-2:, -2:].all()
    assert not differing[:2, :].any()
    assert not differing[:, :2].any()  # a shifted map is joined end to end, but its ends do not see each other


def test_a_map_is_filled_up_to_whole_windows_by_tokens_of_zero():
    """As the public implementation has it: the tokens that fill up are attended to."""
    encoder = small()
    window = encoder.stages[0].blocks[0].attn
    x = torch.randn(1, 3, 5, 16)
    filled = torch.zeros(1, 4, 8, 16)
    filled[:, :3, :5] = x
    torch.testing.assert_close(window(x), window(filled)[:, :3, :5])


def test_every_parameter_is_trained():
    encoder = small(drop_path=0.1).train()
    sum(feature.square().sum() for feature in encoder(torch.randn(2, 6, 64, 64))).backward()
    assert [name for name, parameter in encoder.named_parameters() if parameter.grad is None] == []
    rates = [block.drop_path.rate for stage in encoder.stages for block in stage.blocks]
    assert rates == pytest.approx([0.0, 0.02, 0.04, 0.06, 0.08, 0.1])


@pytest.mark.parametrize("layout", ["recorded", "published"])
def test_weights_are_loaded_by_their_published_names(tmp_path, layout):
    encoder = small()
    torch.save(published(encoder, layout), tmp_path / "swin.pt")
    loaded = small(ckpt_path=tmp_path / "swin.pt", bands=["RED", "VV", "BLUE"])
    for name, parameter in encoder.named_parameters():
        if name != "patch_embed.projection.weight":
            assert torch.equal(loaded.get_parameter(name), parameter), name
    own, other = loaded.patch_embed.projection.weight, encoder.patch_embed.projection.weight
    assert torch.equal(own[:, [0, 2]], other[:, [2, 0]])
    torch.testing.assert_close(own[:, 1], other.mean(1))
    assert loaded.weights_report.random == ()
    assert torch.equal(
        loaded.state_dict()["stages.0.blocks.0.attn.w_msa.relative_position_index"].unique(), torch.arange(49)
    )


def test_weights_that_do_not_come_are_an_error(tmp_path):
    """Never a line on the screen and random weights."""
    with pytest.raises(WeightsError, match=r"no weights are published for the backbone 'prithvi_swin_B'.*ckpt_path"):
        small(pretrained=True)
    state = published(small(), "published")
    del state["backbone.stages.1.downsample.reduction.weight"]
    torch.save(state, tmp_path / "part.pt")
    with pytest.raises(WeightsError, match=r"lacks stages\.1\.downsample"):
        small(ckpt_path=tmp_path / "part.pt")
    torch.save(published(small(window_size=2), "published"), tmp_path / "other.pt")
    with pytest.raises(WeightsError, match=r"other sizes: .*relative_position_bias_table"):
        small(ckpt_path=tmp_path / "other.pt")


def test_it_takes_part_in_a_model():
    model = (
        EncoderDecoderFactory()
        .build_model(
            "segmentation",
            "prithvi_swin_B",
            "UNetDecoder",
            backbone_kwargs=SIZES,
            decoder_channels=[32, 16, 8, 8],
            necks="auto",
            num_classes=2,
        )
        .eval()
    )
    assert model(torch.randn(1, 6, 50, 70)).output.shape == (1, 2, 50, 70)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"num_frames": 3}, "takes single images; run it on time series with use_temporal"),
        ({"depths": [1, 2]}, "a number for each of 4 stages"),
        ({"num_heads": [3, 3, 3, 3]}, "must be a multiple of its heads"),
        ({"window_size": 1}, "window_size is 1"),
        ({"out_indices": [4]}, "4 blocks"),
    ],
)
def test_arguments_without_meaning_are_refused(kwargs, message):
    with pytest.raises(ArgumentError, match=message):
        small(**kwargs)


@pytest.mark.parametrize("shape", [(1, 4, 64, 64), (1, 6, 1, 64, 64), (1, 6, 62, 64)])
def test_shapes_that_break_the_contract_are_refused(shape):
    with pytest.raises(ShapeError):
        small()(torch.zeros(shape))


@pytest.mark.slow
def test_it_can_be_exported():
    encoder, x = small(), torch.randn(1, 6, 40, 64)
    exported = torch.export.export(encoder, (x,)).module()
    for feature, expected in zip(exported(x), encoder(x), strict=True):
        torch.testing.assert_close(feature, expected)
