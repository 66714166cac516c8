"""Scale-MAE: the recorded numbers of the public implementation, and what an encoder must keep besides."""

import copy
import math
from dataclasses import replace
from unittest import mock

import pytest
import torch
from oracle import cases, differences, load_manifests, load_oracle

from isthmus.errors import ArgumentError, ShapeError, WeightsError
from isthmus.models.backbones.scale_mae.catalog import VARIANTS
from isthmus.models.backbones.scale_mae.network import ground_positions
from isthmus.plan import check_encoder
from isthmus.plan.light_meta import light_meta
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY

BASE = "scalemae_base_patch16"
# In the recorded encoder, but without any effect: positions are computed, and no feature is normalised.
NEVER_READ = {"pos_embed", "norm.weight", "norm.bias"}


def build(name=BASE, depth=2, **kwargs):
    """An encoder with two blocks, for the sake of speed, or as many as are asked for."""
    with mock.patch.dict(VARIANTS, {name: replace(VARIANTS[name], depth=depth or VARIANTS[name].depth)}):
        return ISTHMUS_BACKBONE_REGISTRY.build(name, **kwargs).eval()


def listed(*, on_meta):
    return [
        pytest.param(case, id=case["id"])
        for case in cases("backbones", "scalemae.")
        if "build_raises" not in case and (case.get("built_on") == "meta") == on_meta
    ]


def name_of(case):
    """`scalemae_base_patch16` for `...create_model('vit_base_patch16')`."""
    return case["registry"].split("'")[1].replace("vit_", "scalemae_")


def check_manifest(encoder, case):
    recorded = {key: shape for key, shape, *_ in load_manifests().manifest(case) if key not in NEVER_READ}
    assert {key: tuple(tensor.shape) for key, tensor in encoder.state_dict().items()} == recorded
    assert sum(parameter.numel() for parameter in encoder.parameters()) == sum(map(math.prod, recorded.values()))
    assert encoder.out_channels == case["out_channels"]
    assert list(encoder.patch_size) == case["patch_size"]


@pytest.mark.real
@pytest.mark.parametrize("case", listed(on_meta=False))
def test_agrees_with_the_recorded_outputs(case, shared):
    encoder = build(name_of(case), None, **case["kwargs"])
    check_manifest(encoder, case)
    load_oracle().fill_(encoder, fixed=())
    for run in case["runs"]:
        inputs = load_oracle().make_inputs(run["inputs"])
        x = inputs.pop("x")
        grid = [size // 16 for size in x.shape[2:]]
        with torch.no_grad():
            features = encoder(x, **inputs)
        if "outputs" in run:
            images = [feature[:, 1:].transpose(1, 2).unflatten(2, grid) for feature in features]
            assert differences(run["outputs"], {"features": features, "image": images}) == [], run["id"]
        else:  # recorded as an error: it took square images only
            assert [feature.shape for feature in features] == [(1, 1 + grid[0] * grid[1], 768)] * 3


@pytest.mark.real
@pytest.mark.parametrize("case", listed(on_meta=True))
def test_has_the_recorded_parameters_when_it_is_built_on_meta(case, shared):
    with light_meta(), torch.device("meta"):
        check_manifest(build(name_of(case), None, **case["kwargs"]), case)


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_the_facts_are_those_of_what_is_built(name):
    entry = ISTHMUS_BACKBONE_REGISTRY.entry(name)
    with light_meta(), torch.device("meta"):
        encoder = build(name, None, pretrained=True)
    assert encoder.weights_report is None
    assert sum(parameter.numel() for parameter in encoder.parameters()) == entry.facts["parameters"]
    assert encoder.bands == entry.facts["bands"]
    assert encoder.patch_size == (entry.facts["patch_size"],) * 2
    assert encoder.image_size == (entry.facts["image_size"],) * 2


def test_it_keeps_the_contract_of_an_encoder():
    specs = check_encoder(build(in_chans=4, img_size=32, out_indices=[0, -1]))
    assert [(spec.out_channels, spec.stride) for spec in specs] == [(768, (16, 16))] * 2


def test_positions_count_metres():
    """A cell is where its distance from the corner is, whatever the size of the pixels."""
    fine, coarse = ground_positions(16, (5, 7), torch.tensor([1.0, 2.0]))
    torch.testing.assert_close(coarse[:3, :4], fine[::2, ::2])
    assert torch.equal(fine[:, 3, :8], fine[:1, 3, :8].expand(5, -1))  # the first half tells the column
    assert torch.equal(fine[3, :, 8:], fine[3, :1, 8:].expand(7, -1))


def test_the_size_of_a_pixel_comes_with_the_images_or_with_the_encoder():
    torch.manual_seed(0)
    encoder, x = build(), torch.randn(2, 3, 32, 48)
    told = build(input_res=10.0)
    told.load_state_dict(encoder.state_dict())
    [ten] = told(x)
    assert torch.equal(encoder(x, input_res=10)[0], ten)
    assert torch.equal(encoder(x, input_res=torch.tensor([10.0]))[0], ten)
    mixed = encoder(x, input_res=torch.tensor([1.0, 10.0]))[0]
    torch.testing.assert_close(mixed[1:], ten[1:])
    torch.testing.assert_close(mixed[:1], encoder(x)[0][:1])
    assert not torch.allclose(mixed[:1], ten[:1])


@pytest.mark.parametrize("res", [0.0, float("nan")])
def test_a_pixel_has_a_size(res):
    with pytest.raises(ArgumentError, match="the size of a pixel in metres"):
        build(input_res=res)


@pytest.mark.parametrize(
    ("shape", "res", "message"),
    [
        ((3, 32, 32), None, r"images of shape \(B, C, H, W\)"),
        ((1, 4, 32, 32), None, r"takes 3 bands \(RED, GREEN, BLUE\)"),
        ((1, 3, 40, 32), None, r"does not divide into patches of \(16, 16\)"),
        ((2, 3, 32, 32), torch.ones(3), r"input_res has the shape \(3,\): one number, or 2"),
    ],
)
def test_shapes_that_break_the_contract_are_refused(shape, res, message):
    with pytest.raises(ShapeError, match=message):
        build()(torch.zeros(shape), input_res=res)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A file in the layout of the published ones, and the encoder in it."""
    path = tmp_path_factory.mktemp("scale_mae") / "scale_mae.pth"
    encoder = build()
    others = {"pos_embed": torch.zeros(1, 197, 768), "norm.weight": torch.ones(768)}
    torch.save({"model": encoder.state_dict() | others}, path)
    return path, encoder


def test_published_weights_load_and_bands_are_found_by_name(checkpoint):
    path, encoder = checkpoint
    loaded = build(ckpt_path=path, img_size=96)
    assert all(torch.equal(tensor, loaded.state_dict()[key]) for key, tensor in encoder.state_dict().items())
    assert loaded.weights_report.ignored == ("pos_embed", "norm.weight")
    weight = encoder.patch_embed.proj.weight
    other = build(ckpt_path=path, bands=["BLUE", "NIR_BROAD", "RED"]).patch_embed.proj.weight
    assert torch.equal(other[:, [0, 2]], weight[:, [2, 0]])
    torch.testing.assert_close(other[:, 1], weight.mean(1))
    named = build(ckpt_path=path, bands=["SWIR_1"], pretrained_bands=["VV", "SWIR_1", "VH"]).patch_embed.proj.weight
    assert torch.equal(named[:, 0], weight[:, 1])


def test_weights_that_lack_something_or_are_of_another_size_are_refused(checkpoint, tmp_path):
    state = torch.load(checkpoint[0])["model"]
    state.pop("blocks.1.norm2.bias")
    torch.save(state, tmp_path / "lacking.pth")
    with pytest.raises(WeightsError, match=r"lacking.pth lacks blocks\.1\.norm2\.bias"):
        build(ckpt_path=tmp_path / "lacking.pth")
    allowed = build(ckpt_path=tmp_path / "lacking.pth", allow_missing_weights=True)
    assert allowed.weights_report.random == ("blocks.1.norm2.bias",)
    with pytest.raises(WeightsError, match=r"patches of \(16, 16\), the encoder for \(14, 14\)|of another model"):
        build("scalemae_huge_patch14", ckpt_path=checkpoint[0])
    with pytest.raises(WeightsError, match="none of them is among the bands"):
        build(ckpt_path=checkpoint[0], bands=["VV"])


def test_every_parameter_is_trained():
    encoder = build().train()
    encoder(torch.randn(2, 3, 32, 32))[-1].square().sum().backward()
    assert [name for name, parameter in encoder.named_parameters() if parameter.grad is None] == []


@pytest.mark.slow
def test_it_can_be_exported():
    encoder, x, res = build(img_size=32), torch.randn(2, 3, 48, 64), torch.tensor([1.0, 3.0])
    exported = torch.export.export(copy.deepcopy(encoder), (x, res)).module()
    torch.testing.assert_close(exported(x, res)[0], encoder(x, res)[0])
