"""Prithvi as a masked autoencoder: the recorded numbers, its weights, and what masking promises."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import cases, differences, load_manifests, load_oracle

from isthmus.errors import ArgumentError, CompositionError, ShapeError, UnknownTaskError, WeightsError
from isthmus.models.backbones.prithvi.mae_network import from_patches, to_patches
from isthmus.models.factories import FullModelFactory
from isthmus.models.layers.masking import mask_tokens
from isthmus.registry import FULL_MODEL_REGISTRY, ISTHMUS_BACKBONE_REGISTRY, ISTHMUS_FULL_MODEL_REGISTRY

MAE = sorted(name for name in ISTHMUS_FULL_MODEL_REGISTRY if name.endswith("_mae"))
SIZES = {"embed_dim": 32, "num_heads": 2, "depth": 2, "img_size": 64}
DECODER = {"decoder_embed_dim": 32, "decoder_num_heads": 2, "decoder_depth": 1}
TIMES = torch.tensor([[[2018.0, 30.0]], [[2019.0, 37.0]]])
PLACES = torch.tensor([[10.5, -70.25], [7.5, -59.25]])


def small(name="prithvi_eo_v2_tiny_tl_mae", **kwargs):
    return FullModelFactory().build_model("reconstruction", name, **{**SIZES, **DECODER, **kwargs}).eval()


def recorded(*prefixes):
    listed = [case for prefix in prefixes for case in cases("backbones", prefix)]
    return [pytest.param(case, id=case["id"]) for case in listed if case["registry"].endswith("_mae")]


def check_manifest(model, case):
    manifest = load_manifests().manifest(case)
    assert {key: tuple(each.shape) for key, each in model.state_dict().items()} == {key: s for key, s, *_ in manifest}
    assert {key for key, _ in model.named_parameters()} == {key for key, _, kind, _ in manifest if kind == "trainable"}
    assert sum(parameter.numel() for parameter in model.parameters()) == case["total_params"]
    assert model.encoder.out_channels == case["out_channels"]
    assert list(model.patch_size) == case["patch_size"]
    assert model.encoder.bands == case["model_bands"]


@torch.no_grad()
def outputs(model, run):
    inputs = load_oracle().make_inputs(run["inputs"])
    x, ratio = inputs.pop("x"), 0.5 if run["id"].endswith("_b2") else 0.75
    if run["id"].endswith("forward_features"):
        return model.forward_features(x, **inputs)
    count = run["outputs"]["token_mask"]["shape"][1]
    noise = torch.from_numpy(np.random.default_rng(1000).random((x.shape[0], count)).astype("float32"))
    loss, image, mask = model(x, **inputs, mask_ratio=ratio, noise=noise)
    patches = model.encoder.embed(model.encoder.as_time_series(x), **inputs).flatten(1, 3)
    masking = mask_tokens((x.shape[0], count), ratio, x.device, noise)
    seen = {"latent": model.encode_seen(patches, masking), "token_mask": masking.mask, "ids_restore": masking.restore}
    return {"loss": loss, "pred": image, "mask": mask, **seen}


@pytest.mark.real
@pytest.mark.parametrize("case", recorded("prithvi_mae."))
def test_agrees_with_the_recorded_outputs(case, shared):
    with torch.device("meta" if case.get("built_on") == "meta" else "cpu"):
        model = FULL_MODEL_REGISTRY.build(case["registry"], **case["kwargs"]).eval()
    check_manifest(model, case)
    if case.get("runs"):
        load_oracle().fill_(model, fixed=load_manifests().fixed_keys(case))
    for run in case.get("runs", []):
        assert differences(run["outputs"], outputs(model, run)) == [], run["id"]


@pytest.mark.real
@pytest.mark.parametrize("case", recorded("prithvi_load."))
def test_loads_the_recorded_checkpoints(case, shared, tmp_path):
    """The state of the filled autoencoder, in the layout of the first and of the second generation."""
    state = {}
    for key, shape, kind, _ in load_manifests().manifest(case):
        filled = torch.zeros(shape) if kind == "fixed" else torch.from_numpy(load_oracle().fill_value(key, shape))
        first = case["id"].split(".")[1] == "v1"
        state[key.removeprefix("encoder.").removeprefix("decoder.") if first else key] = filled
    torch.save(state, tmp_path / "Prithvi.pt")
    model = FULL_MODEL_REGISTRY.build(case["registry"], ckpt_path=tmp_path / "Prithvi.pt").eval()
    for run in case["runs"]:
        assert differences(run["outputs"], outputs(model, run)) == [], run["id"]
    report = model.weights_report
    assert len(report.loaded) == len(list(model.parameters()))
    assert set(report.ignored) == {"encoder.pos_embed", "decoder.decoder_pos_embed"}
    assert (report.random, report.adapted) == ((), {})


@pytest.mark.real
def test_the_factory_builds_the_recorded_model(shared):
    [case] = cases("models", "model.full.mae")
    model = FullModelFactory().build_model(**case["kwargs"])
    check_manifest(model, case)
    assert type(model).__name__ == case["attributes"]["class"]


@pytest.mark.parametrize("name", MAE)
def test_the_facts_are_those_of_what_is_built(name):
    entry = ISTHMUS_FULL_MODEL_REGISTRY.entry(name)
    encoder = ISTHMUS_BACKBONE_REGISTRY.entry(name.removesuffix("_mae"))
    with torch.device("meta"):
        model = entry.build(pretrained=True)
    assert sum(parameter.numel() for parameter in model.parameters()) == entry.facts["parameters"]
    assert all(tensor.is_meta for tensor in model.state_dict().values())
    assert {key: entry.facts[key] for key in ("bands", "weights", "file", "license", "patch_size")} == {
        key: encoder.facts[key] for key in ("bands", "weights", "file", "license", "patch_size")
    }


def test_all_published_autoencoders_are_there():
    assert len(MAE) == 7
    assert {f"prithvi_eo_v2_{size}_mae" for size in ("tiny_tl", "100_tl", "300", "300_tl", "600", "600_tl")} < set(MAE)


@settings(max_examples=15, deadline=None)
@given(
    frames=st.integers(1, 3),
    height=st.integers(1, 3),
    width=st.integers(1, 4),
    patch=st.sampled_from([(1, 2, 2), (1, 4, 2), (3, 2, 3)]),
)
def test_patches_are_put_together_as_they_were_cut(frames, height, width, patch):
    grid = (frames, height, width)
    x = torch.randn(2, 3, *(cells * size for cells, size in zip(grid, patch, strict=True)))
    patches = to_patches(x, patch)
    assert patches.shape == (2, frames * height * width, 3 * patch[0] * patch[1] * patch[2])
    assert torch.equal(from_patches(patches, patch, grid), x)
    corner = x[:, :, : patch[0], : patch[1], : patch[2]].permute(0, 2, 3, 4, 1).flatten(1)
    assert torch.equal(patches[:, 0], corner)


@settings(max_examples=25, deadline=None)
@given(batch=st.integers(1, 3), tokens=st.integers(1, 40), ratio=st.floats(0, 0.95))
def test_masking_hides_the_tokens_with_the_most_noise(batch, tokens, ratio):
    noise = torch.rand(batch, tokens)
    masking = mask_tokens((batch, tokens), ratio, noise.device, noise)
    visible = int(tokens * (1 - ratio))
    assert masking.mask.sum(1).tolist() == [tokens - visible] * batch
    for row, hidden in zip(noise, masking.mask.bool(), strict=True):
        assert not visible or not hidden.any() or row[~hidden].max() <= row[hidden].min()
    x = torch.randn(batch, tokens, 4)
    back = masking.put_back(masking.take_seen(x), torch.full((1, 1, 4), 7.0))
    assert torch.equal(back, torch.where(masking.mask[:, :, None].bool(), torch.tensor(7.0), x))


def test_a_seed_decides_what_is_hidden():
    model, x = small(), torch.randn(2, 6, 64, 64)
    torch.manual_seed(5)
    first = model(x)
    torch.manual_seed(5)
    second = model(x)
    assert torch.equal(first.mask, second.mask)
    assert torch.equal(first.image, second.image)
    assert not torch.equal(model(x).mask, first.mask)


def test_what_is_hidden_is_not_seen():
    model, x, noise = small(), torch.randn(2, 6, 64, 96), torch.rand(2, 24)
    loss, image, mask = model(x, TIMES, PLACES, noise=noise)
    changed = torch.where(mask[:, None].bool(), torch.zeros(()), x)
    again = model(changed, TIMES, PLACES, noise=noise)
    assert mask.shape == (2, 64, 96)
    assert torch.equal(again.image, image)
    assert not torch.equal(again.loss, loss)
    other = model(torch.where(mask[:, None].bool(), x, torch.zeros(())), TIMES, PLACES, noise=noise)
    assert not torch.equal(other.image, image)


@pytest.mark.parametrize("norm_pix_loss", [False, True])
def test_the_loss_is_the_squared_error_of_what_is_hidden(norm_pix_loss):
    model, x = small(norm_pix_loss=norm_pix_loss), 3.0 + 2.0 * torch.randn(2, 6, 64, 64)
    loss, image, mask = model(x)
    target = to_patches(x[:, :, None], (1, 16, 16))
    if norm_pix_loss:
        mean, deviation = target.mean(2, keepdim=True), target.std(2, keepdim=True)
        target = (target - mean) / deviation
    errors = (from_patches(target, (1, 16, 16), (1, 4, 4))[:, :, 0] - image).square().mean(1)
    torch.testing.assert_close(loss, errors[mask.bool()].mean(), rtol=1e-4, atol=1e-5)
    assert small(mask_ratio=0.0)(x).loss == 0.0


def test_every_parameter_is_trained():
    model = small().train()
    model(torch.randn(2, 6, 64, 64), TIMES, PLACES).loss.backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize("layout", ["encoder. and decoder.", "side by side", "within a model"])
def test_weights_for_other_bands_come_in_and_go_out_by_name(tmp_path, layout):
    model = small()
    state = {key: tensor for key, tensor in model.state_dict().items() if "pos_embed" not in key}
    if layout == "side by side":
        state = {key.split(".", 1)[1]: tensor for key, tensor in state.items()}
    if layout == "within a model":
        state = {f"module.{key}": tensor for key, tensor in state.items()}
    torch.save(state, tmp_path / "mae.pt")
    loaded = small(ckpt_path=tmp_path / "mae.pt", bands=["RED", "VV", "BLUE"], num_frames=3)
    own, published = (each.decoder.decoder_pred.weight.detach().unflatten(0, (16 * 16, -1)) for each in (loaded, model))
    assert torch.equal(own[:, [0, 2]], published[:, [2, 0]])
    torch.testing.assert_close(own[:, 1], published.mean(1))
    bias = model.decoder.decoder_pred.bias.unflatten(0, (256, 6))[:, 0]
    assert torch.equal(loaded.decoder.decoder_pred.bias.unflatten(0, (256, 3))[:, 2], bias)
    assert torch.equal(loaded.encoder.patch_embed.proj.weight[:, 2], model.encoder.patch_embed.proj.weight[:, 0])
    assert set(loaded.weights_report.adapted) == {
        "encoder.patch_embed.proj.weight",
        "decoder.decoder_pred.weight",
        "decoder.decoder_pred.bias",
    }
    assert loaded(torch.randn(1, 3, 3, 64, 64)).image.shape == (1, 3, 3, 64, 64)


def test_a_file_without_a_decoder_is_refused(tmp_path):
    state = {f"encoder.{key}": tensor for key, tensor in small().encoder.state_dict().items()}
    torch.save(state, tmp_path / "encoder.pt")
    with pytest.raises(WeightsError, match=r"lacks decoder.mask_token, .* and \d+ more"):
        small(ckpt_path=tmp_path / "encoder.pt")
    allowed = small(ckpt_path=tmp_path / "encoder.pt", allow_missing_weights=True)
    assert all(name.startswith("decoder.") for name in allowed.weights_report.random)
    torch.save({"some.weight": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(
        WeightsError, match=r"ends in 'encoder.patch_embed.proj.weight' was expected, but there is none"
    ):
        small(ckpt_path=tmp_path / "other.pt")


@pytest.mark.parametrize(
    ("shape", "kwargs", "error", "message"),
    [
        ((1, 6, 70, 64), {}, ShapeError, "does not divide into patches"),
        ((1, 5, 64, 64), {}, ShapeError, "takes 6 bands"),
        ((1, 6, 64, 64), {"noise": torch.zeros(1, 4)}, ShapeError, r"noise has the shape \(1, 4\): \(1, 16\)"),
        ((1, 6, 64, 64), {"mask_ratio": 1.0}, ArgumentError, "mask_ratio is 1.0"),
    ],
)
@pytest.mark.filterwarnings("ignore:the image of shape")
def test_what_does_not_fit_is_refused(shape, kwargs, error, message):
    with pytest.raises(error, match=message):
        small()(torch.zeros(shape), **kwargs)


def test_a_model_is_built_for_what_it_does():
    with pytest.raises(CompositionError, match=r"'prithvi_eo_v2_tiny_tl_mae' reconstructs images, .* 'segmentation'"):
        FullModelFactory().build_model("segmentation", "prithvi_eo_v2_tiny_tl_mae", num_classes=2, **SIZES)
    with pytest.raises(CompositionError, match="'leap_cnn' does not reconstruct images"):
        FullModelFactory().build_model("reconstruction", "leap_cnn", num_classes=2)
    with pytest.raises(UnknownTaskError, match="did you mean 'reconstruction'"):
        FullModelFactory().build_model("recontruction", "prithvi_eo_v2_tiny_tl_mae")
    with pytest.raises(ArgumentError, match="mask_ration"):
        FullModelFactory().build_model("reconstruction", "prithvi_eo_v2_tiny_tl_mae", mask_ration=0.5)


@pytest.mark.slow
def test_it_can_be_exported():
    model, x, noise = small(), torch.randn(2, 6, 64, 96), torch.rand(2, 24)
    exported = torch.export.export(model, (x,), {"noise": noise}).module()
    torch.testing.assert_close(exported(x, noise=noise)[1], model(x, noise=noise).image)
