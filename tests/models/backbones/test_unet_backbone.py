"""The U-Net and the identity as backbones: the recorded numbers of the public implementation, and what they refuse."""

import pytest
import torch
from oracle import cases, differences, load_manifests, load_oracle

from isthmus.errors import ArgumentError, ShapeError, WeightsError
from isthmus.plan import check_encoder
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.signatures import check_arguments

# Recorded as failing: it doubles the size where nothing was halved. Here a convolution of 1 by 1 stands for that.
NOTHING_HALVED = "unet.nodown"


def build(name="UNet", **kwargs):
    return ISTHMUS_BACKBONE_REGISTRY.build(name, **kwargs).eval()


@pytest.mark.real
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case["id"])
        for family in ("unet.", "identity.")
        for case in cases("backbones", family)
        if case.get("runs")
    ],
)
def test_agrees_with_the_recorded_outputs(case, shared):
    check = load_oracle()
    entry = ISTHMUS_BACKBONE_REGISTRY.entry(case["registry"])
    check_arguments(entry.signature(), case["kwargs"], case["registry"])
    encoder = entry.build(**case["kwargs"]).eval()
    assert encoder.out_channels == case["out_channels"]
    own = {key: list(tensor.shape) for key, tensor in encoder.state_dict().items()}
    recorded = {key: list(shape) for key, shape, *_ in load_manifests().manifest(case)}
    if case["id"] == NOTHING_HALVED:
        changed = {key for key in own if own[key] != recorded[key]}
        assert changed == {"decoder.0.upsample.conv.weight", "decoder.1.upsample.conv.weight"}
        assert [feature.shape[2:] for feature in encoder(torch.zeros(1, 4, 32, 32))] == [(32, 32)] * 3
        return
    assert own == recorded
    for run in case["runs"]:
        x = check.make_inputs(run["inputs"])["x"]
        for scheme, outputs in (("std02", "outputs"), ("fanin", "outputs_fanin")):
            if outputs in run:
                check.fill_(encoder, fixed=load_manifests().fixed_keys(case), scheme=scheme)
                with torch.no_grad():
                    assert differences(run[outputs], encoder(x)) == [], (run["id"], outputs)


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"strides": [2, 2, 1, 1, 1], "in_channels": 5},
        {"downsamples": [True, False, True, False], "out_indices": [-1, 0]},
        {"upsample_cfg": {"scale_factor": 2, "mode": "nearest"}},
        {"enc_dilations": [1, 2, 1, 2, 1], "dec_dilations": [2, 1, 1, 2]},
    ],
)
def test_keeps_the_contract_of_an_encoder(kwargs):
    encoder = build(out_channels=4, **kwargs)
    multiple = encoder.size_multiple
    check_encoder(encoder, [(2 * multiple, 3 * multiple)])
    assert encoder.feature_specs[0 if "out_indices" not in kwargs else 1].stride == (multiple, multiple)


def test_its_weights_come_back(tmp_path):
    encoder = build(out_channels=4)
    torch.save(encoder.state_dict(), tmp_path / "unet.pth")
    loaded = build(out_channels=4, ckpt_path=tmp_path / "unet.pth")
    x = torch.randn(1, 3, 32, 48)
    with torch.no_grad():
        assert all(map(torch.equal, encoder(x), loaded(x)))
    with pytest.raises(WeightsError, match="was made for a model of other sizes"):
        build(out_channels=8, ckpt_path=tmp_path / "unet.pth")
    with pytest.raises(WeightsError, match="no weights are published"):
        build(pretrained=True)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"num_stages": 4}, "strides is .*: 4 values were expected"),
        ({"downsamples": [True]}, "downsamples is .*: 4 values were expected"),
        ({"strides": [1, 3, 1, 1, 1]}, "1 or 2 for each stage"),
        ({"out_indices": [5]}, "out_indices is"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(kwargs, message):
    with pytest.raises(ArgumentError, match=message):
        build(**kwargs)


def test_images_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"does not divide into patches of \(16, 16\)"):
        build(out_channels=4)(torch.zeros(1, 3, 24, 32))
    with pytest.raises(ShapeError, match="takes 3 bands"):
        build(out_channels=4)(torch.zeros(1, 4, 32, 32))


def test_the_facts_are_those_of_what_is_built():
    with torch.device("meta"):
        encoder = build()
    parameters = sum(parameter.numel() for parameter in encoder.parameters())
    assert parameters == ISTHMUS_BACKBONE_REGISTRY.entry("UNet").facts["parameters"]


def test_the_identity_gives_the_images():
    encoder = build("IdentityBackbone", bands=["RED", "NIR_NARROW"])
    check_encoder(encoder, [(7, 5)])
    x = torch.randn(2, 2, 7, 5)
    assert torch.equal(encoder(x)[0], x)
    assert build("IdentityBackbone").out_channels == [3]
    with pytest.raises(ArgumentError, match=r"so \[4\] was expected"):
        build("IdentityBackbone", out_channels=[3], in_chans=4)
    with pytest.raises(ShapeError, match="takes 2 bands"):
        encoder(torch.zeros(1, 3, 4, 4))
