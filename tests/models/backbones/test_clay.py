"""Clay v1 and v1.5: the recorded numbers of the public implementation, and what an encoder must keep besides."""

import copy
import math

import pytest
import torch
from oracle import cases, differences, load_manifests, load_oracle

from isthmus.errors import ArgumentError, ShapeError, WeightsError
from isthmus.models.backbones.clay.catalog import VARIANTS
from isthmus.models.backbones.clay.family import renames
from isthmus.models.factories import EncoderDecoderFactory
from isthmus.models.layers.transformer import run_blocks
from isthmus.plan import check_encoder
from isthmus.plan.light_meta import light_meta
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.signatures import check_arguments

TINY = "clay_v1_5_tiny"
PUBLISHED_NAMES = {ours: theirs for theirs, ours in renames(24).items()}


def build(name=TINY, **kwargs):
    return ISTHMUS_BACKBONE_REGISTRY.build(name, **kwargs).eval()


def published_name(key):
    """The name that an entry has in the published files."""
    start = next((ours for ours in PUBLISHED_NAMES if key.startswith(ours)), "")
    return PUBLISHED_NAMES.get(start, "") + key.removeprefix(start)


def listed(prefix):
    return [
        pytest.param(case, id=case["id"], marks=pytest.mark.slow if "large" in case["id"] else ())
        for case in cases("backbones", prefix)
    ]


def fill(encoder, case, prefix=""):
    """Recorded weights in the encoder, whose names and shapes must be the recorded ones."""
    own = {prefix + published_name(key): tuple(tensor.shape) for key, tensor in encoder.state_dict().items()}
    assert own == {key: shape for key, shape, *_ in load_manifests().manifest(case)}
    assert sum(parameter.numel() for parameter in encoder.parameters()) == case["total_params"]
    load_oracle().fill_(encoder, fixed=(), rename=lambda key: prefix + published_name(key))


@pytest.mark.real
@pytest.mark.parametrize("case", listed("clay_v1."))
def test_v1_agrees_with_the_recorded_outputs(case, shared):
    check_arguments(ISTHMUS_BACKBONE_REGISTRY.entry("clay_v1_base").signature(), case["kwargs"], "clay_v1_base")
    encoder = build(case["registry"], **case["kwargs"])
    assert encoder.out_channels == case["out_channels"]
    fill(encoder, case, "clay_encoder.")
    for run in case["runs"]:
        inputs = load_oracle().make_inputs(run["inputs"])
        with torch.no_grad():
            features = encoder(inputs.pop("x"), **inputs)
        if run["run"] == "image":
            features = [features[-1][:, 1:].transpose(1, 2).unflatten(2, (8, 8))]
        if "outputs" in run:
            assert differences(run["outputs"], features) == [], run["id"]
        else:  # recorded as an error: it took images of one size only
            assert [feature.shape for feature in features] == [(1, 145, 768)] * 12


@pytest.mark.real
@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in cases("models", "model.seg.clay_v1")])
def test_whole_models_agree_with_the_recorded_outputs(case, shared):
    def rename(key):
        inside = key.removeprefix("encoder.")
        return key if inside == key else "encoder.clay_encoder." + published_name(inside)

    # Without necks theirs makes images of tokens by itself; here that is asked for.
    model = EncoderDecoderFactory().build_model(**{"necks": "auto"} | case["kwargs"]).eval()
    load_oracle().fill_(model, fixed=load_manifests().fixed_keys(case), rename=rename)
    model.size_multiple = [16, 16]  # they pad to twice the patch
    for run in case["runs"]:
        output = model(load_oracle().make_inputs(run["inputs"])["x"]).output
        assert differences(run["outputs"], {"output": output}) == [], run["id"]


@pytest.mark.real
@pytest.mark.parametrize("case", listed("clay_v15.encoder"))
def test_v15_agrees_with_the_recorded_outputs(case, shared):
    name = "clay_v1_5_" + case["id"].split("_")[2]
    encoder = build(name, out_indices=[-1])
    fill(encoder, case)
    for run in case["runs"]:
        inputs = load_oracle().make_inputs(run["inputs"])
        with torch.no_grad():
            tokens = encoder.embed(inputs.pop("x"), **inputs)
            # Masked without shuffling, the first patches are left out; the class token is not.
            masked = int(case["kwargs"]["mask_ratio"] * (tokens.shape[1] - 1))
            tokens = torch.cat([tokens[:, :1], tokens[:, 1 + masked :]], dim=1)
            features = run_blocks(encoder.blocks, encoder.norm, tokens, encoder.out_indices)
        assert differences({"0": run["outputs"]["encoded"]}, features) == [], run["id"]


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_the_facts_are_those_of_what_is_built(name):
    entry = ISTHMUS_BACKBONE_REGISTRY.entry(name)
    with light_meta(), torch.device("meta"):
        encoder = build(name, pretrained=True)
    assert encoder.weights_report is None
    assert sum(parameter.numel() for parameter in encoder.parameters()) == entry.facts["parameters"]
    assert encoder.bands == entry.facts["bands"]
    assert encoder.patch_size == (entry.facts["patch_size"],) * 2
    assert encoder.image_size == (entry.facts["image_size"],) * 2
    assert {tensor.device.type for tensor in (*encoder.parameters(), *encoder.buffers())} == {"meta"}
    assert build(TINY).wavelengths == entry.facts["wavelengths"]


def test_it_keeps_the_contract_of_an_encoder():
    specs = check_encoder(build(bands=["RED", "VV"], img_size=32, out_indices=[0, -1]))
    assert [(spec.out_channels, spec.stride) for spec in specs] == [(192, (8, 8))] * 2


def test_bands_without_a_known_wavelength_are_an_error_with_the_nearest_name():
    with pytest.raises(ArgumentError, match="'NIR_NAROW' is not known; did you mean 'NIR_NARROW'"):
        build(bands=["BLUE", "NIR_NAROW"])
    with pytest.raises(ArgumentError, match=r"band 0 is not known\. Give the wavelengths"):
        build(in_chans=3)
    assert build(in_chans=2, wavelengths=[0.5, 0.6]).bands == [0, 1]


@pytest.mark.parametrize("gsd", [0.0, -10.0, float("nan")])
def test_a_pixel_has_a_size(gsd):
    with pytest.raises(ArgumentError, match="the size of a pixel in metres"):
        build(gsd=gsd)


def test_what_is_left_out_is_as_the_encoder_was_told_or_zero():
    torch.manual_seed(0)
    encoder, x = build(gsd=10.0, out_indices=[-1]), torch.randn(2, 6, 32, 48)
    [plain] = encoder(x)
    zeros = torch.zeros(2, 4)
    waves = [0.493, 0.56, 0.665, 0.842, 1.61, 2.19]
    for told in ({"gsd": 10}, {"time": zeros, "latlon": zeros}, {"waves": waves}, {"gsd": torch.tensor([10.0, 10.0])}):
        assert torch.equal(encoder(x, **told)[0], plain), told
    for told in ({"gsd": 30.0}, {"time": zeros + 1}, {"latlon": zeros + 1}, {"waves": waves[::-1]}):
        assert not torch.allclose(encoder(x, **told)[0], plain), told
    each = encoder(x, gsd=torch.tensor([10.0, 30.0]))[0]
    torch.testing.assert_close(each[:1], plain[:1])
    torch.testing.assert_close(each[1:], encoder(x[1:], gsd=30.0)[0])


def test_dates_and_places_of_a_batch_are_told_as_the_pretraining_did():
    torch.manual_seed(0)
    encoder, x = build(out_indices=[-1]), torch.randn(2, 6, 32, 48)
    dates = torch.tensor([[[2020.0, 101]], [[2019.0, 365]]])  # 10 April 2020, in week 15; 31 December 2019, in week 1
    places = torch.tensor([[30.0, -90.0], [-45.0, 180.0]])
    week = torch.tensor([15, 1]) * 2 * math.pi / 52
    time = torch.stack([week.sin(), week.cos(), torch.zeros(2), torch.zeros(2)], dim=1)
    half, root = 0.5, math.sqrt(0.5)
    latlon = torch.tensor([[half, math.sqrt(0.75), -1, 0], [-root, root, 0, -1]])
    [given] = encoder(x, temporal_coords=dates, location_coords=places)
    torch.testing.assert_close(given, encoder(x, time=time, latlon=latlon)[0])
    assert torch.equal(encoder(x, time=time, temporal_coords=dates + 99)[0], encoder(x, time=time)[0])
    with pytest.raises(ShapeError, match=r"temporal_coords has the shape \(2, 3, 2\): \(2, 1, 2\)"):
        encoder(x, temporal_coords=torch.zeros(2, 3, 2))


@pytest.mark.parametrize(
    ("shape", "told", "message"),
    [
        ((6, 32, 32), {}, r"images of shape \(B, C, H, W\)"),
        ((1, 4, 32, 32), {}, "takes 6 bands"),
        ((1, 6, 36, 32), {}, r"does not divide into patches of \(8, 8\)"),
        ((1, 6, 32, 32), {"waves": [0.5]}, "one number per band"),
        ((2, 6, 32, 32), {"gsd": torch.ones(3)}, r"gsd has the shape \(3,\): one number, or 2"),
        ((2, 6, 32, 32), {"time": torch.ones(2, 2)}, r"time has the shape \(2, 2\): \(2, 4\) was expected"),
        ((2, 6, 32, 32), {"latlon": torch.ones(4)}, r"latlon has the shape \(4,\): \(2, 4\) was expected"),
    ],
)
def test_shapes_that_break_the_contract_are_refused(shape, told, message):
    with pytest.raises(ShapeError, match=message):
        build()(torch.zeros(shape), **told)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A file in the layout of the published ones, and the encoder in it."""
    path = tmp_path_factory.mktemp("clay") / "clay.ckpt"
    encoder = build()
    state = {f"model.encoder.{published_name(key)}": tensor for key, tensor in encoder.state_dict().items()}
    others = {"model.decoder.embed_to_pixels.weight_generator.weight_tokens": torch.zeros(128, 128)}
    torch.save({"state_dict": state | others, "epoch": 3}, path)
    return path, encoder


def test_published_weights_load_for_any_bands_and_prompts_are_added(checkpoint):
    path, encoder = checkpoint
    loaded = build(bands=["VV", "SWIR_1"], ckpt_path=path, vpt=True, vpt_n_tokens=2)
    for key, tensor in encoder.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], tensor), key
    report = loaded.weights_report
    assert report.random == ()
    assert len(report.added) == 6
    assert [key.split(".")[1] for key in report.ignored] == ["decoder"]
    x = torch.randn(1, 2, 32, 32)
    plain = build(bands=["VV", "SWIR_1"], ckpt_path=path)
    assert torch.equal(plain(x)[-1], encoder(x, waves=[3.5, 1.61])[-1])
    assert not torch.allclose(loaded(x)[-1], plain(x)[-1])


def test_weights_that_lack_something_or_are_of_another_size_are_refused(checkpoint, tmp_path):
    state = torch.load(checkpoint[0])["state_dict"]
    state.pop("model.encoder.transformer.layers.3.0.to_qkv.weight")
    torch.save(state, tmp_path / "lacking.ckpt")
    with pytest.raises(WeightsError, match=r"lacking.ckpt lacks blocks\.3\.attn\.qkv\.weight"):
        build(ckpt_path=tmp_path / "lacking.ckpt")
    allowed = build(ckpt_path=tmp_path / "lacking.ckpt", allow_missing_weights=True)
    assert allowed.weights_report.random == ("blocks.3.attn.qkv.weight",)
    with pytest.raises(WeightsError, match="model of other sizes"):
        build("clay_v1_5_small", ckpt_path=checkpoint[0], allow_missing_weights=True)
    with pytest.raises(WeightsError, match="no weights are published"):
        build(pretrained=True)


def test_every_parameter_is_trained():
    encoder = build(vpt=True, vpt_n_tokens=2).train()
    encoder(torch.randn(2, 6, 32, 32))[-1].square().sum().backward()
    assert [name for name, parameter in encoder.named_parameters() if parameter.grad is None] == []


def test_low_precision_keeps_the_positions_exact():
    exact = build(img_size=64)
    low, x = copy.deepcopy(exact).bfloat16(), torch.randn(1, 6, 64, 64)
    features = low(x.bfloat16(), gsd=30.0)
    assert {feature.dtype for feature in features} == {torch.bfloat16}
    torch.testing.assert_close(features[-1].float(), exact(x, gsd=30.0)[-1], atol=0.1, rtol=0)


@pytest.mark.slow
def test_it_can_be_exported():
    encoder, x = build(img_size=32), torch.randn(2, 6, 48, 64)
    told = {"time": torch.randn(2, 4), "latlon": torch.randn(2, 4)}
    exported = torch.export.export(copy.deepcopy(encoder), (x,), told).module()
    torch.testing.assert_close(exported(x, **told)[-1], encoder(x, **told)[-1])
