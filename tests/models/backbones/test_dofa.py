"""DOFA: the recorded numbers of the public implementation, and what an encoder must keep besides."""

import copy
from dataclasses import replace
from unittest import mock

import pytest
import torch
from oracle import cases, differences, load_manifests, load_oracle

from isthmus.bands import WAVELENGTHS, OpticalBands, SARBands
from isthmus.errors import ArgumentError, ShapeError, WeightsError
from isthmus.models.backbones.dofa.catalog import VARIANTS
from isthmus.models.factories import EncoderDecoderFactory
from isthmus.plan import check_encoder
from isthmus.plan.light_meta import light_meta
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.signatures import check_arguments

SMALL = "dofa_small_patch16_224"
RGB = ["RED", "GREEN", "BLUE"]
# Of the classifier, which no encoder has a use for.
NOT_OURS = {"fc_norm.weight", "fc_norm.bias", "head.weight", "head.bias"}


def build(name=SMALL, model_bands=RGB, depth=2, **kwargs):
    """An encoder with two blocks, for the sake of speed, or as many as are asked for."""
    with mock.patch.dict(VARIANTS, {name: replace(VARIANTS[name], depth=depth or VARIANTS[name].depth)}):
        return ISTHMUS_BACKBONE_REGISTRY.build(name, model_bands=model_bands, **kwargs).eval()


def published(key):
    """The name that an entry has in the published files."""
    return key.replace("generator.encoder.", "generator.transformer_encoder.").replace("fclayer.l", "fclayer.w")


RECORDED = [pytest.param(case, id=case["id"]) for case in cases("backbones", "dofa.") if "build_raises" not in case]


@pytest.mark.real
@pytest.mark.parametrize("case", RECORDED)
def test_agrees_with_the_recorded_outputs(case, shared):
    check, manifest = load_oracle(), load_manifests().manifest(case)
    check_arguments(ISTHMUS_BACKBONE_REGISTRY.entry(case["registry"]).signature(), case["kwargs"], SMALL)
    encoder = build(case["registry"], depth=None, **case["kwargs"])
    shapes = {key: shape for key, shape, *_ in manifest}
    own = {f"dofa_model.{published(key)}": tuple(tensor.shape) for key, tensor in encoder.state_dict().items()}
    assert own == {key: shape for key, shape in shapes.items() if key.removeprefix("dofa_model.") not in NOT_OURS}
    assert encoder.out_channels == case["out_channels"]
    assert encoder.wavelengths == case["wavelengths"]
    # Recorded without weights, and then without positions; ours begin with those of the masked autoencoder.
    encoder.pos_embed.zero_()
    fixed = () if case["fill_frozen_params"] else load_manifests().fixed_keys(case)
    check.fill_(encoder, fixed=fixed, rename=lambda key: f"dofa_model.{published(key)}")
    for run in case["runs"]:
        x = check.make_inputs(run["inputs"])["x"]
        with torch.no_grad():
            if "outputs" in run:
                assert differences(run["outputs"], encoder(x)) == [], run["id"]
            elif x.shape[1] != encoder.in_channels:
                with pytest.raises(ShapeError, match="the encoder takes 12 bands"):
                    encoder(x)
            else:  # recorded as an error: it took images of one size only
                cells = x.shape[2] * x.shape[3] // 256
                assert [feature.shape[1] for feature in encoder(x)] == [1 + cells] * len(encoder.out_indices)


@pytest.mark.real
@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in cases("models", "model.seg.dofa")])
def test_whole_models_agree_with_the_recorded_outputs(case, shared):
    check = load_oracle()
    model = EncoderDecoderFactory().build_model(**case["kwargs"]).eval()
    model.encoder.pos_embed.zero_()
    fixed = load_manifests().fixed_keys(case)
    check.fill_(model, fixed=fixed, rename=lambda key: published(key).replace("encoder.", "encoder.dofa_model.", 1))
    model.size_multiple = [32, 32]  # they pad to twice the patch
    for run in case["runs"]:
        output = model(check.make_inputs(run["inputs"])["x"]).output
        assert differences(run["outputs"], {"output": output}) == [], run["id"]


def test_bands_without_a_known_wavelength_are_an_error_with_the_nearest_name():
    with pytest.raises(ArgumentError, match="'REDD' is not known; did you mean 'RED'"):
        build(model_bands=["BLUE", "REDD"])
    with pytest.raises(ArgumentError, match=r"band 0 is not known\. Give the wavelengths"):
        build(model_bands=[[0, 2]])
    with pytest.raises(TypeError, match="model_bands"):
        ISTHMUS_BACKBONE_REGISTRY.build(SMALL)


@pytest.mark.parametrize("wavelengths", [[0.6], [0.6, 0.5, -1.0], [0.6, 0.5, float("nan")]])
def test_wavelengths_are_one_positive_number_per_band(wavelengths):
    with pytest.raises(ArgumentError, match="a positive number of micrometres was expected for each of 3"):
        build(model_bands=[[0, 2]], wavelengths=wavelengths)


def test_every_band_of_the_vocabulary_but_one_has_a_wavelength():
    assert {str(band) for band in (*OpticalBands, *SARBands)} - set(WAVELENGTHS) == {"SWIR_3"}


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_the_facts_are_those_of_what_is_built(name):
    entry = ISTHMUS_BACKBONE_REGISTRY.entry(name)
    with light_meta(), torch.device("meta"):
        encoder = build(name, depth=None, pretrained=True)
    assert encoder.weights_report is None
    assert sum(parameter.numel() for parameter in encoder.parameters()) == entry.facts["parameters"]
    assert encoder.patch_size == (entry.facts["patch_size"],) * 2
    assert encoder.image_size == (entry.facts["image_size"],) * 2
    assert {tensor.device.type for tensor in (*encoder.parameters(), *encoder.buffers())} == {"meta"}


def test_it_keeps_the_contract_of_an_encoder():
    specs = check_encoder(build(model_bands=["RED", "VV"], out_indices=[0, -1]), [(32, 48), (224, 224)])
    assert [spec.out_channels for spec in specs] == [384, 384]


def test_the_order_of_the_bands_does_not_matter_where_their_wavelengths_come_along():
    encoder, x = build(), torch.randn(1, 3, 32, 48)
    turned = build(model_bands=RGB[::-1])
    turned.load_state_dict(encoder.state_dict())
    [expected] = encoder(x)
    torch.testing.assert_close(turned(x.flip(1))[0], expected)
    waves = [WAVELENGTHS[band] for band in RGB[::-1]]
    torch.testing.assert_close(encoder(x.flip(1), wavelengths=waves)[0], expected)
    torch.testing.assert_close(encoder(x.flip(1), wavelengths=torch.tensor(waves))[0], expected)
    assert not torch.allclose(encoder(x.flip(1))[0], expected)
    assert encoder(torch.randn(2, 5, 32, 32), wavelengths=[0.4, 0.5, 0.6, 0.7, 1.6])[0].shape == (2, 5, 384)


@pytest.mark.parametrize(
    ("shape", "wavelengths", "message"),
    [
        ((3, 32, 32), None, r"images of shape \(B, C, H, W\)"),
        ((1, 4, 32, 32), None, r"takes 3 bands \(RED, GREEN, BLUE\)"),
        ((1, 3, 40, 32), None, r"does not divide into patches of \(16, 16\)"),
        ((1, 3, 32, 32), [0.5, 0.6], "one number per band"),
        ((1, 3, 32, 32), torch.ones(1, 3), "one number per band"),
    ],
)
def test_shapes_that_break_the_contract_are_refused(shape, wavelengths, message):
    with pytest.raises(ShapeError, match=message):
        build()(torch.zeros(shape), wavelengths=wavelengths)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A file in the layout of the published ones, and the encoder in it."""
    path = tmp_path_factory.mktemp("dofa") / "dofa.pth"
    encoder = build()
    with torch.no_grad():
        encoder.pos_embed[:, 0] = 3.0
    torch.save({published(key): tensor for key, tensor in encoder.state_dict().items()}, path)
    return path, encoder


def test_published_weights_load_for_any_bands(checkpoint):
    path, encoder = checkpoint
    loaded = build(model_bands=["VV", "SWIR_1"], ckpt_path=path)
    assert {
        key for key, tensor in encoder.state_dict().items() if not torch.equal(tensor, loaded.state_dict()[key])
    } == set()
    assert loaded.weights_report.random == loaded.weights_report.ignored == ()
    assert not any(tensor.is_meta for tensor in loaded.state_dict().values())
    x, waves = torch.randn(1, 2, 32, 32), [WAVELENGTHS["VV"], WAVELENGTHS["SWIR_1"]]
    assert torch.equal(loaded(x)[0], encoder(x, wavelengths=waves)[0])


def test_positions_follow_the_size_of_the_images(checkpoint):
    path, encoder = checkpoint
    oblong = build(img_size=(96, 160), ckpt_path=path)
    assert oblong.pos_embed.shape == (1, 61, 384)
    assert "14 x 14 to 6 x 10" in oblong.weights_report.adapted["pos_embed"]
    assert torch.equal(oblong.pos_embed[:, 0], encoder.pos_embed[:, 0])
    assert oblong(torch.zeros(1, 3, 96, 160))[0].shape == (1, 61, 384)
    flat = build(img_size=96).pos_embed[0, 1:].unflatten(0, (6, 6))
    assert torch.equal(flat[:, 2, :192], flat[:1, 2, :192].expand(6, -1))  # the first half tells the column
    assert torch.equal(flat[2, :, 192:], flat[2, :1, 192:].expand(6, -1))


def test_a_classifier_in_the_file_is_left_out(checkpoint, tmp_path):
    state = torch.load(checkpoint[0]) | {"head.weight": torch.zeros(45, 384), "fc_norm.bias": torch.zeros(384)}
    torch.save({f"model.encoder.dofa_model.{key}": tensor for key, tensor in state.items()}, tmp_path / "x.pth")
    report = build(ckpt_path=tmp_path / "x.pth").weights_report
    assert set(report.ignored) == {"head.weight", "fc_norm.bias"}


def test_weights_that_lack_something_or_are_of_another_size_are_refused(checkpoint, tmp_path):
    state = torch.load(checkpoint[0])
    state.pop("blocks.1.attn.qkv.weight")
    torch.save(state, tmp_path / "lacking.pth")
    with pytest.raises(WeightsError, match=r"lacking.pth lacks blocks\.1\.attn\.qkv\.weight"):
        build(ckpt_path=tmp_path / "lacking.pth")
    allowed = build(ckpt_path=tmp_path / "lacking.pth", allow_missing_weights=True)
    assert allowed.weights_report.random == ("blocks.1.attn.qkv.weight",)
    assert not allowed.blocks[1].attn.qkv.weight.is_meta
    with pytest.raises(WeightsError, match="model of other sizes"):
        build("dofa_base_patch16_224", ckpt_path=checkpoint[0])
    with pytest.raises(WeightsError, match="no weights are published"):
        build(pretrained=True)


def test_low_precision_keeps_the_wavelengths_exact():
    exact = build(img_size=64)
    low, x = copy.deepcopy(exact).bfloat16(), torch.randn(1, 3, 64, 64)
    features = low(x.bfloat16())
    assert {feature.dtype for feature in features} == {torch.bfloat16}
    expected = exact(x)[-1]
    assert (features[-1].float() - expected).std() < 0.03 * expected.std()


def test_every_parameter_is_trained():
    encoder = build(model_bands=["RED", "VH"]).train()
    encoder(torch.randn(2, 2, 32, 32))[-1].square().sum().backward()
    assert [name for name, parameter in encoder.named_parameters() if parameter.grad is None] == []


@pytest.mark.slow
def test_it_can_be_exported():
    encoder, x = build(img_size=32), torch.randn(2, 3, 48, 64)
    exported = torch.export.export(copy.deepcopy(encoder), (x,)).module()
    torch.testing.assert_close(exported(x)[0], encoder(x)[0])
