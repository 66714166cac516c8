"""DINOv3: the recorded numbers of the public implementation, both published layouts of weights, and its contract."""

import pytest
import torch
from oracle import cases, differences, load_manifests, load_oracle

from isthmus.errors import ShapeError, WeightsError
from isthmus.models.backbones.dinov3.catalog import CONVNEXTS, VITS
from isthmus.plan import check_encoder
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.signatures import check_arguments
from isthmus.weights.uninitialised import uninitialised

NAMES = sorted({**VITS, **CONVNEXTS})
SMALL = ("dinov3_vits16", "dinov3_convnext_tiny")
SLOW = ("dinov3.vitb16", "dinov3.convnext_small")
RECORDED = [
    pytest.param(case, id=case["id"], marks=pytest.mark.slow if case["id"] in SLOW else ())
    for case in cases("backbones", "dinov3.")
    if "build_raises" not in case
]


def build(name, **kwargs):
    return ISTHMUS_BACKBONE_REGISTRY.build(name, **kwargs).eval()


def recorded_state(case):
    """The weights of a recording, in the layout of Meta's files."""
    check = load_oracle()
    state = {}
    for key, shape, kind, info in load_manifests().manifest(case):
        if kind != "fixed":
            state[key] = torch.from_numpy(check.fill_value(key, shape))
        elif key.endswith("bias_mask"):
            state[key] = torch.tensor([1.0, 0.0, 1.0]).repeat_interleave(shape[0] // 3)
        elif info and len(info["values"]) == shape[0]:
            state[key] = torch.tensor(info["values"])
    tied = {key.replace("norms.3.", "norm."): tensor for key, tensor in state.items() if "norms.3." in key}
    return state | tied  # one module of two names: the last one of them was filled last


def class_token_last(features, encoder):
    """As recorded: behind the patches, where a neck that leaves out the first token takes a patch."""
    if not encoder.return_cls_token:
        return features
    return [torch.cat([feature[:, 1:], feature[:, :1]], dim=1) for feature in features]


@pytest.mark.real
@pytest.mark.parametrize("case", RECORDED)
@pytest.mark.filterwarnings("ignore:the image of shape .* is no multiple of the patch")
def test_agrees_with_the_recorded_outputs(case, shared, tmp_path):
    entry = ISTHMUS_BACKBONE_REGISTRY.entry(case["registry"])
    check_arguments(entry.signature(), case["kwargs"], case["registry"])
    with torch.device("meta"):
        encoder = entry.build(**case["kwargs"])
    assert encoder.out_channels == case["out_channels"]
    sizes = VITS.get(case["registry"])
    # The token for masked patches, and the bias of the keys, which is masked, are not kept.
    left_out = sizes.embed_dim * (1 + sizes.depth) if sizes else 0
    assert sum(parameter.numel() for parameter in encoder.parameters()) == case["total_params"] - left_out
    if not case.get("runs"):
        return
    torch.save(recorded_state(case), tmp_path / "published.pth")
    encoder = entry.build(**case["kwargs"] | {"ckpt_path": tmp_path / "published.pth"}).eval()
    assert encoder.weights_report.random == ()
    check = load_oracle()
    for run in case["runs"]:
        with torch.no_grad():
            features = encoder(check.make_inputs(run["inputs"])["x"])
        assert differences(run["outputs"], class_token_last(features, encoder)) == [], run["id"]


def test_a_file_need_not_be_given(shared):
    """Recorded as an error; without a file the weights are random."""
    [case] = [case for case in cases("backbones", "dinov3.") if "build_raises" in case]
    with torch.device("meta"):
        assert build(case["registry"], **case["kwargs"]).weights_report is None


@pytest.mark.parametrize("name", NAMES)
def test_the_facts_are_those_of_what_is_built(name):
    facts = ISTHMUS_BACKBONE_REGISTRY.entry(name).facts
    with torch.device("meta"), uninitialised():
        encoder = build(name, pretrained=True)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == facts["parameters"]
    assert encoder.bands == facts["bands"]
    assert all(tensor.is_meta for tensor in encoder.state_dict().values())
    assert ("weights" in facts) == ("license" in facts) == (name != "dinov3_vitl16plus")


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("return_cls_token", [True, False])
def test_keeps_the_contract_of_an_encoder(name, return_cls_token):
    encoder = build(name, return_cls_token=return_cls_token, out_indices=[1, -1], in_chans=4)
    specs = check_encoder(encoder, [(64, 96), (32, 32)])
    assert [spec.prefix_tokens for spec in specs] == [int(return_cls_token)] * 2


def test_the_names_that_timm_publishes_load_too(tmp_path):
    timm = pytest.importorskip("timm")
    for name, theirs in (
        ("dinov3_vits16plus", "vit_small_plus_patch16_dinov3_qkvb"),
        ("dinov3_convnext_tiny", "convnext_tiny"),
    ):
        network = timm.create_model(theirs, num_classes=0).eval()
        torch.save(network.state_dict(), tmp_path / "timm.pth")
        encoder = build(name, ckpt_path=tmp_path / "timm.pth", out_indices=[-1], return_cls_token=False)
        assert encoder.weights_report.random == encoder.weights_report.ignored == ()
        x = torch.randn(1, 3, 64, 96)
        with torch.no_grad():
            _, features = network.forward_intermediates(x, indices=1, norm=name == "dinov3_vits16plus")
            expected = features[-1].flatten(2).transpose(1, 2)
            expected = expected if name == "dinov3_vits16plus" else encoder.norm(expected)
            torch.testing.assert_close(encoder(x)[0], expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", SMALL)
def test_the_first_layer_follows_the_bands_by_name(name, tmp_path):
    encoder = build(name)
    torch.save({f"teacher.backbone.{key}": tensor for key, tensor in encoder.state_dict().items()}, tmp_path / "w.pth")
    loaded = build(name, ckpt_path=tmp_path / "w.pth", bands=["NIR_NARROW", "BLUE", "RED"])
    [first] = loaded.weights_report.adapted
    old, new = encoder.state_dict()[first], loaded.state_dict()[first]
    torch.testing.assert_close(new, torch.stack([old.mean(1), old[:, 2], old[:, 0]], dim=1))
    with pytest.raises(WeightsError, match=r"exactly one entry|lacks"):
        build(SMALL[name == SMALL[0]], ckpt_path=tmp_path / "w.pth")


def test_periods_are_those_of_the_file(tmp_path):
    """They are published rounded, and the network was trained with them as they are there."""
    state = build("dinov3_vits16", out_indices=[0]).state_dict()
    state["rope_embed.periods"] = state.pop("rope.periods").bfloat16()
    torch.save(state, tmp_path / "w.pth")
    loaded = build("dinov3_vits16", ckpt_path=tmp_path / "w.pth")
    assert torch.equal(loaded.rope.periods, state["rope_embed.periods"].float())


def test_other_shapes_are_refused_with_what_was_expected():
    for name in SMALL:
        encoder = build(name, out_indices=[0])
        with pytest.raises(ShapeError, match=r"takes 3 bands \(RED, GREEN, BLUE\)"):
            encoder(torch.zeros(1, 4, 64, 64))
        with pytest.raises(ShapeError, match="smaller than"):
            encoder(torch.zeros(1, 3, 64, 8))
    with pytest.warns(UserWarning, match="the last 3 rows and 0 columns are not seen"):
        build("dinov3_vits16", out_indices=[0])(torch.zeros(1, 3, 35, 32))
