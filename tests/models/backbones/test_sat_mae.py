"""SatMAE: no numbers are recorded for it, so it is held against a plain ViT and against what its parts must do."""

import copy
import math
from dataclasses import replace
from unittest import mock

import pytest
import torch

from isthmus.errors import ArgumentError, ShapeError, WeightsError
from isthmus.models.backbones.sat_mae.catalog import CHANNEL_GROUPS, VARIANTS
from isthmus.plan import check_encoder
from isthmus.plan.light_meta import light_meta
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY

IMAGES, SERIES, GROUPS = "satmae_base_patch16", "satmae_temporal_base_patch16", "satmae_sentinel2_base_patch8"


def build(name, **kwargs):
    """An encoder with two blocks, for the sake of speed."""
    with mock.patch.dict(VARIANTS, {name: replace(VARIANTS[name], depth=2)}):
        return ISTHMUS_BACKBONE_REGISTRY.build(name, **{"img_size": 32} | kwargs).eval()


def save(encoder, path, **others):
    """A file in the layout of the published ones, which hold the whole masked autoencoder."""
    torch.save({"model": encoder.state_dict() | {"mask_token": torch.zeros(1, 1, 512)} | others}, path)
    return path


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_the_facts_are_those_of_what_is_built(name):
    entry = ISTHMUS_BACKBONE_REGISTRY.entry(name)
    with light_meta(), torch.device("meta"):
        encoder = entry.build(pretrained=True)
    assert encoder.weights_report is None
    assert sum(parameter.numel() for parameter in encoder.parameters()) == entry.facts["parameters"]
    assert encoder.bands == entry.facts["bands"]
    assert encoder.patch_size == (entry.facts["patch_size"],) * 2
    assert encoder.image_size == (entry.facts["image_size"],) * 2
    assert encoder.input_spec.frames == entry.facts.get("frames", 1)
    assert {tensor.device.type for tensor in (*encoder.parameters(), *encoder.buffers())} == {"meta"}


@pytest.mark.parametrize(("name", "steps"), [(IMAGES, 1), (SERIES, 3), (GROUPS, 3)])
def test_it_keeps_the_contract_of_an_encoder(name, steps):
    specs = check_encoder(build(name, out_indices=[0, -1]))
    assert [(spec.out_channels, spec.time_steps) for spec in specs] == [(768 * steps, steps)] * 2


@pytest.mark.slow
def test_single_images_are_encoded_by_a_plain_vision_transformer():
    from timm.models.vision_transformer import VisionTransformer

    encoder = build(IMAGES, out_indices=[-1])
    plain = VisionTransformer(32, depth=2, num_classes=0, global_pool="", norm_layer=torch.nn.LayerNorm).eval()
    for module in plain.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.eps = 1e-6
    plain.load_state_dict(encoder.state_dict())
    x = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(encoder(x)[0], plain(x), atol=1e-4, rtol=1e-4)


def features_before_the_blocks(encoder, *args, **kwargs):
    """What the first block is given."""
    seen = []
    with encoder.blocks[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])):
        encoder(*args, **kwargs)
    return seen[0]


def test_the_tokens_of_a_group_are_those_of_its_bands_with_its_name():
    encoder, x = build(GROUPS), torch.randn(1, 10, 16, 24)
    tokens = features_before_the_blocks(encoder, x)[:, 1:].unflatten(1, (3, 2, 3))
    for number, group in enumerate(CHANNEL_GROUPS):
        members = [ISTHMUS_BACKBONE_REGISTRY.entry(GROUPS).facts["bands"].index(band) for band in group]
        expected = encoder.patch_embed[str(number)](x[:, members])
        expected = expected + torch.cat(
            [encoder.positions((2, 3)), encoder.channel_embed[:, number].expand(1, 2, 3, -1)], 3
        )
        torch.testing.assert_close(tokens[:, number], expected)
    assert [len(members) for members in encoder.members.values()] == [4, 4, 2]
    frequency = 10_000 ** -(3 / 128)
    assert encoder.channel_embed[0, 2, [3, 131]].tolist() == pytest.approx(
        [math.sin(2 * frequency), math.cos(2 * frequency)]
    )


def test_bands_may_be_left_out_reordered_and_added(tmp_path):
    encoder = build(GROUPS)
    path = save(encoder, tmp_path / "grouped.pth")
    some = build(GROUPS, bands=["SWIR_2", "RED", "BLUE"], ckpt_path=path)
    assert list(some.members) == [0, 2]
    assert torch.equal(some.patch_embed["0"].proj.weight, encoder.patch_embed["0"].proj.weight[:, [2, 0]])
    assert torch.equal(some.patch_embed["2"].proj.weight, encoder.patch_embed["2"].proj.weight[:, [1]])
    x = torch.randn(1, 3, 32, 32)
    tokens = features_before_the_blocks(some, x)
    torch.testing.assert_close(
        tokens[0, 17:, 512:] - some.patch_embed["2"](x[:, :1])[..., 512:].flatten(1, 2),
        encoder.channel_embed[:, 2].expand(1, 16, -1),
    )
    groups = [[*CHANNEL_GROUPS[0], "COASTAL_AEROSOL"], *CHANNEL_GROUPS[1:]]
    more = build(
        GROUPS,
        bands=[*ISTHMUS_BACKBONE_REGISTRY.entry(GROUPS).facts["bands"], "COASTAL_AEROSOL"],
        channel_groups=groups,
        ckpt_path=path,
    )
    torch.testing.assert_close(more.patch_embed["0"].proj.weight[:, 4], encoder.patch_embed["0"].proj.weight.mean(1))
    assert "COASTAL_AEROSOL set to the mean" in more.weights_report.adapted["patch_embed.0.proj.weight"]
    with pytest.raises(ArgumentError, match="'SWIR_3' is in 0 groups of bands, not in one; did you mean"):
        build(GROUPS, bands=["SWIR_3"])
    with pytest.raises(ArgumentError, match="'RED' is in 2 groups"):
        build(GROUPS, bands=["RED"], channel_groups=[["RED"], ["RED", "BLUE"]])


def test_a_date_is_in_the_last_channels_of_the_tokens_of_its_image():
    encoder, x = build(SERIES), torch.randn(2, 3, 3, 32, 48)
    times = torch.tensor([[[2002, 1, 0], [2015, 6, 12], [2020, 12, 23]]]).expand(2, -1, -1)
    plain = features_before_the_blocks(encoder, x)
    difference = (features_before_the_blocks(encoder, x, timestamps=times) - plain)[:, 1:].unflatten(1, (3, 6))
    assert difference[..., :384].abs().max() == 0
    first = torch.cat([torch.zeros(64), torch.ones(64)]).repeat(3)  # the encoding of zero
    torch.testing.assert_close(difference[0, 0, 0, 384:], first, atol=1e-6, rtol=0)
    month, hour = difference[1, 1, 3, 384 + 128], difference[1, 2, 5, 384 + 256]
    assert [month.item(), hour.item()] == pytest.approx([math.sin(5), math.sin(23)], abs=1e-6)
    expected = encoder.patch_embed(x[:, :, 1])[..., 384:].flatten(1, 2)
    torch.testing.assert_close(plain[:, 1:].unflatten(1, (3, 6))[:, 1, :, 384:], expected)


def test_the_dates_of_a_batch_tell_the_year_and_the_month():
    encoder, x = build(SERIES), torch.randn(2, 3, 3, 32, 48)
    dates = torch.tensor([[[2002.0, 1], [2016, 60], [2020, 366]]]).expand(2, -1, -1)  # 29 February is day 60
    times = torch.tensor([[[2002, 1, 0], [2016, 2, 0], [2020, 12, 0]]]).expand(2, -1, -1)
    given = features_before_the_blocks(encoder, x, temporal_coords=dates)
    told = features_before_the_blocks(encoder, x, timestamps=times)
    plain = features_before_the_blocks(encoder, x)
    without_hour = slice(0, 384 + 256)
    torch.testing.assert_close(given[..., without_hour], told[..., without_hour])
    assert not torch.allclose(given[..., without_hour], plain[..., without_hour])
    assert torch.equal(given[..., 384 + 256 :], plain[..., 384 + 256 :])
    with pytest.raises(ShapeError, match=r"\(2, 2, 2\): \(2, 3, 2\) was expected, with year and day of the year"):
        encoder(x, temporal_coords=torch.zeros(2, 2, 2))


@pytest.mark.parametrize(
    ("name", "shape", "kwargs", "message"),
    [
        (IMAGES, (1, 4, 32, 32), {}, r"takes 3 bands \(RED, GREEN, BLUE\)"),
        (IMAGES, (1, 3, 40, 32), {}, r"does not divide into patches of \(16, 16\)"),
        (GROUPS, (1, 9, 32, 32), {}, "takes 10 bands"),
        (SERIES, (1, 3, 32, 32), {}, r"\(B, C, T, H, W\) with T = 3"),
        (SERIES, (1, 3, 2, 32, 32), {}, r"\(B, C, T, H, W\) with T = 3"),
        (SERIES, (1, 4, 3, 32, 32), {}, "takes 3 bands"),
        (SERIES, (1, 3, 3, 32, 32), {"timestamps": torch.ones(1, 3, 2)}, r"\(1, 3, 3\) was expected, with year, month"),
    ],
)
def test_shapes_that_break_the_contract_are_refused(name, shape, kwargs, message):
    with pytest.raises(ShapeError, match=message):
        build(name)(torch.zeros(shape), **kwargs)


@pytest.mark.parametrize(
    ("name", "kwargs", "message"),
    [
        (IMAGES, {"num_frames": 3}, "takes single images"),
        (SERIES, {"num_frames": 0}, "at least 1"),
        (IMAGES, {"img_size": 8}, "smaller than a patch"),
    ],
)
def test_arguments_without_meaning_are_refused(name, kwargs, message):
    with pytest.raises(ArgumentError, match=message):
        build(name, **kwargs)


@pytest.mark.parametrize("name", [IMAGES, SERIES, GROUPS])
def test_published_weights_load_for_another_grid(name, tmp_path):
    encoder = build(name, img_size=64)
    path = save(encoder, tmp_path / "mae.pth", **{"head.weight": torch.zeros(3, 768)})
    loaded = build(name, img_size=(32, 64), ckpt_path=path)
    report = loaded.weights_report
    assert report.random == ()
    assert list(report.adapted) == ["pos_embed"]
    assert set(report.ignored) == {"mask_token", "head.weight"}
    for key, parameter in encoder.named_parameters():
        assert torch.equal(parameter, loaded.get_parameter(key)), key
    same = build(name, img_size=64, ckpt_path=path)
    assert all(torch.equal(tensor, same.state_dict()[key]) for key, tensor in encoder.state_dict().items())
    state = torch.load(path)["model"]
    state.pop("norm.bias")
    torch.save(state, path)
    with pytest.raises(WeightsError, match=r"mae.pth lacks norm\.bias"):
        build(name, img_size=64, ckpt_path=path)
    with pytest.raises(WeightsError, match="no weights are published"):
        build(name, pretrained=True)


def test_bands_of_single_images_are_found_by_name(tmp_path):
    encoder = build(IMAGES)
    path = save(encoder, tmp_path / "mae.pth")
    loaded = build(IMAGES, bands=["BLUE", "VV"], ckpt_path=path).patch_embed.proj.weight
    assert torch.equal(loaded[:, 0], encoder.patch_embed.proj.weight[:, 2])
    torch.testing.assert_close(loaded[:, 1], encoder.patch_embed.proj.weight.mean(1))
    named = build(IMAGES, bands=["VV"], pretrained_bands=["VH", "VV", "HH"], ckpt_path=path).patch_embed.proj.weight
    assert torch.equal(named[:, 0], encoder.patch_embed.proj.weight[:, 1])


@pytest.mark.parametrize(("name", "shape"), [(IMAGES, (2, 3)), (SERIES, (2, 3, 3)), (GROUPS, (2, 10))])
def test_every_parameter_is_trained(name, shape):
    encoder = build(name, img_size=16).train()
    encoder(torch.randn(*shape, 16, 16))[-1].square().sum().backward()
    assert [key for key, parameter in encoder.named_parameters() if parameter.grad is None] == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "shape"), [(SERIES, (2, 3, 3)), (GROUPS, (2, 10))])
def test_it_can_be_exported(name, shape):
    encoder, x = build(name), torch.randn(*shape, 48, 64)
    exported = torch.export.export(copy.deepcopy(encoder), (x,)).module()
    torch.testing.assert_close(exported(x)[-1], encoder(x)[-1])
