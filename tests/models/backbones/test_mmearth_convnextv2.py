"""MMEarth's ConvNeXt V2. The recorded one cannot run: its normalisations expect the channels last, and its blocks hold
a network where global response normalisation belongs. Its names and shapes are recorded all the same."""

import math
import re

import pytest
import torch
from oracle import cases, load_manifests
from torch.nn import functional as F

from isthmus.errors import ArgumentError, ShapeError, WeightsError
from isthmus.models.backbones.mmearth_convnextv2.catalog import VARIANTS
from isthmus.models.backbones.mmearth_convnextv2.family import block_entries
from isthmus.plan import check_encoder
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.weights.uninitialised import uninitialised

ATTO = "mmearth_convnextv2_atto"
NOT_OURS = ("norm.", "head.")


def build(name=ATTO, **kwargs):
    return ISTHMUS_BACKBONE_REGISTRY.build(name, **kwargs).eval()


def published(state):
    """Entries under the names and in the shapes of the published files."""
    names = {"conv_dw": "dwconv", "mlp.fc": "pwconv", "mlp.grn.weight": "grn.gamma", "mlp.grn.bias": "grn.beta"}
    entries = {}
    for key, tensor in state.items():
        published_key = re.sub("|".join(map(re.escape, names)), lambda found: names[found[0]], key)
        entries[published_key] = tensor[None, None, None] if ".grn." in published_key else tensor
    return entries


@pytest.mark.real
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case["id"])
        for case in cases("backbones", "mmearth.")
        if not case["registry"].endswith("Block")
    ],
)
def test_has_the_recorded_names_but_for_the_response_normalisation(case, shared):
    name = "mmearth_" + case["registry"].replace("convnext_pico", "convnextv2_pico")
    ours = {key: case["kwargs"][key] for key in ("in_chans", "patch_size", "use_orig_stem") if key in case["kwargs"]}
    with torch.device("meta"):
        encoder = build(name, **ours)
        recorded = block_entries({key: torch.empty(shape) for key, shape, *_ in load_manifests().manifest(case)})
    own = {key: tensor.shape for key, tensor in encoder.state_dict().items() if ".grn." not in key}
    assert own == {
        key: tensor.shape for key, tensor in recorded.items() if not key.startswith(NOT_OURS) and ".grn." not in key
    }


def reference_block(x, entries):
    """A block of ConvNeXt V2, written down from the paper (section 3) over the published entries."""
    grown = F.conv2d(x, entries["dwconv.weight"], entries["dwconv.bias"], padding=3, groups=x.shape[1])
    grown = F.layer_norm(grown.permute(0, 2, 3, 1), x.shape[1:2], entries["norm.weight"], entries["norm.bias"], 1e-6)
    grown = F.gelu(F.linear(grown, entries["pwconv1.weight"], entries["pwconv1.bias"]))
    response = grown.square().sum((1, 2), keepdim=True).sqrt()
    response = response / (response.mean(-1, keepdim=True) + 1e-6)
    grown = entries["grn.gamma"] * (grown * response) + entries["grn.beta"] + grown
    return x + F.linear(grown, entries["pwconv2.weight"], entries["pwconv2.bias"]).permute(0, 3, 1, 2)


def channels_first_norm(x, weight, bias):
    return F.layer_norm(x.permute(0, 2, 3, 1), x.shape[1:2], weight, bias, 1e-6).permute(0, 3, 1, 2)


def reference_features(x, entries, depths):
    """The network, written down over the published entries."""
    x = channels_first_norm(
        F.conv2d(x, entries["initial_conv.0.weight"], entries["initial_conv.0.bias"]),
        entries["initial_conv.1.weight"],
        entries["initial_conv.1.bias"],
    )
    kernel = entries["stem.0.weight"]
    x = F.conv2d(F.gelu(x), kernel, entries["stem.0.bias"], kernel.shape[-1], kernel.shape[-1] // 2, groups=len(kernel))
    x = channels_first_norm(x, entries["stem.1.weight"], entries["stem.1.bias"])
    features = []
    for stage, depth in enumerate(depths):
        if stage:
            prefix = f"downsample_layers.{stage - 1}"
            x = channels_first_norm(x, entries[f"{prefix}.0.weight"], entries[f"{prefix}.0.bias"])
            x = F.conv2d(x, entries[f"{prefix}.1.weight"], entries[f"{prefix}.1.bias"], 2)
        for block in range(depth):
            start = f"stages.{stage}.{block}."
            own = {key.removeprefix(start): tensor for key, tensor in entries.items() if key.startswith(start)}
            x = reference_block(x, own)
        features.append(x)
    return features


def test_computes_what_the_paper_says_with_weights_of_the_published_layout(tmp_path):
    generator = torch.Generator().manual_seed(0)
    entries = {
        key: torch.randn(tensor.shape, generator=generator) / math.sqrt(max(tensor[0].numel(), 4))
        for key, tensor in published(build().state_dict()).items()
    }
    classifier = {"norm.weight": torch.ones(320), "head.weight": torch.ones(3, 320)}
    torch.save({"model": entries | classifier}, tmp_path / "mmearth.pth")
    encoder = build(ckpt_path=tmp_path / "mmearth.pth")
    assert encoder.weights_report.random == ()
    assert set(encoder.weights_report.ignored) == set(classifier)
    x = torch.randn(2, 12, 64, 96, generator=generator)
    with torch.no_grad():
        features = encoder(x)
        expected = reference_features(x, entries, VARIANTS[ATTO].depths)
    for feature, reference in zip(features, expected, strict=True):
        torch.testing.assert_close(feature, reference, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "kwargs",
    [{}, {"patch_size": 8}, {"patch_size": 16}, {"patch_size": 16, "use_orig_stem": True}, {"out_indices": [-1, 0]}],
)
def test_keeps_the_contract_of_an_encoder(kwargs):
    specs = check_encoder(build(in_chans=3, **kwargs), [(64, 96), (128, 32)])
    patch = kwargs.get("patch_size", 32)
    if patch > 8:
        assert max(spec.stride[0] for spec in specs) == patch


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_the_facts_are_those_of_what_is_built(name):
    with torch.device("meta"), uninitialised():
        encoder = build(name)
    facts = ISTHMUS_BACKBONE_REGISTRY.entry(name).facts
    assert sum(parameter.numel() for parameter in encoder.parameters()) == facts["parameters"]


@pytest.mark.parametrize("use_orig_stem", [False, True])
def test_the_first_layer_follows_the_bands_by_name(use_orig_stem, tmp_path):
    made_for = ["BLUE", "GREEN", "RED"]
    encoder = build(bands=made_for, use_orig_stem=use_orig_stem)
    torch.save(published(encoder.state_dict()), tmp_path / "w.pth")
    given = {"ckpt_path": tmp_path / "w.pth", "use_orig_stem": use_orig_stem}
    loaded = build(bands=["RED", "VV", "BLUE"], pretrained_bands=made_for, **given)
    [first] = loaded.weights_report.adapted
    old, new = encoder.state_dict()[first], loaded.state_dict()[first]
    torch.testing.assert_close(new, torch.stack([old[:, 2], old.mean(1), old[:, 0]], dim=1))
    with pytest.raises(WeightsError, match="exactly one entry"):
        build(in_chans=3, ckpt_path=tmp_path / "w.pth", use_orig_stem=not use_orig_stem)
    with pytest.raises(WeightsError, match=r"was made for 3 bands|made for patches"):
        build(in_chans=5, pretrained_bands=[0, 1, 2, 3, 4], **given)


def test_what_cannot_be_is_refused():
    with pytest.raises(ArgumentError, match="8, 16 or 32 was expected"):
        build(patch_size=4)
    with pytest.raises(ShapeError, match="takes 12 bands"):
        build()(torch.zeros(1, 3, 64, 64))
    with pytest.raises(ShapeError, match="does not divide into patches"):
        build()(torch.zeros(1, 12, 64, 48))
    with pytest.raises(ShapeError, match="10 pixels are the least"):
        build(patch_size=8)(torch.zeros(1, 12, 8, 64))
    with pytest.raises(WeightsError, match="no weights are published"):
        build(pretrained=True)
