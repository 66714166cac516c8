"""Weights of TerraMind, from files in the layout of the published ones."""

import pytest
import torch

from isthmus.errors import WeightsError
from isthmus.models.backbones.terramind.modalities import S2L2A_BANDS
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY

MODALITIES = ["S2L2A", "RGB", "S1GRD", "DEM", "LULC", "Coords"]
S2, DEM = "encoder_embeddings.untok_sen2l2a@224.", "encoder_embeddings.untok_dem@224."


def build(name="terramind_v1_tiny", **kwargs):
    return ISTHMUS_BACKBONE_REGISTRY.build(name, **kwargs).eval()


@pytest.fixture(scope="module")
def published():
    """The encoder that is in the file, and the entries of the file: those of the whole model for any to any."""
    torch.manual_seed(0)
    encoder = build(modalities=MODALITIES, tokenizers=False)
    others = {"mask_token": (1, 1, 192), "decoder.0.norm1.weight": (192,), "decoder_norm.weight": (192,)}
    others |= {"decoder_embeddings.tok_lulc@224.to_logits.weight": (4375, 192)}
    return encoder, encoder.state_dict() | {name: torch.zeros(shape) for name, shape in others.items()}


@pytest.fixture(scope="module")
def file(published, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "TerraMind.pt"
    torch.save(published[1], path)
    return path


@pytest.fixture
def small_tokenizers(monkeypatch):
    for name, value in {"EMBED_DIM": 32, "DEPTH": 1, "NUM_HEADS": 2}.items():
        monkeypatch.setattr(f"isthmus.models.backbones.terramind_tokenizer.network.{name}", value)


def test_the_modalities_that_are_used_are_loaded(published, file):
    encoder, x = published[0], torch.randn(1, 12, 32, 48)
    loaded = build(modalities=["DEM", "S2L2A"], ckpt_path=file)
    for key, parameter in loaded.named_parameters():
        assert torch.equal(parameter, encoder.get_parameter(key)), key
    report = loaded.weights_report
    assert (report.random, report.adapted, report.added) == ((), {}, ())
    assert {"mask_token", "encoder_embeddings.coords.mod_emb", "decoder_norm.weight"} <= set(report.ignored)
    with torch.no_grad():
        assert torch.equal(loaded(S2L2A=x)[-1], encoder(S2L2A=x)[-1])


def test_bands_are_fitted_by_name_in_each_modality(published, file):
    encoder = published[0]
    bands = {"S2L2A": ["RED", "FOO", "BLUE"], "S1GRD": ["VH", "VV"], "DEM": ["DEM"]}
    loaded = build(modalities=["S2L2A", "S1GRD", "DEM"], bands=bands, ckpt_path=file)
    x = torch.zeros(1, 12, 32, 32)
    x[:, [3, 1]] = torch.randn(1, 2, 32, 32)
    with torch.no_grad():
        chosen = loaded(S2L2A=torch.stack([x[:, 3], torch.zeros(1, 32, 32), x[:, 1]], dim=1))
        for found, expected in zip(chosen, encoder(x), strict=True):
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
        radar = torch.randn(1, 2, 32, 32)
        torch.testing.assert_close(loaded(S1GRD=radar.flip(1))[-1], encoder(S1GRD=radar)[-1], atol=1e-5, rtol=1e-5)
    whole = encoder.get_parameter(S2 + "proj.weight").unflatten(1, (256, 12))
    fitted = loaded.get_parameter(S2 + "proj.weight").unflatten(1, (256, 3))
    torch.testing.assert_close(fitted[..., 1], whole.mean(2))
    assert set(loaded.weights_report.adapted) == {
        S2 + "proj.weight",
        "encoder_embeddings.untok_sen1grd@224.proj.weight",
    }
    assert "FOO set to the mean" in loaded.weights_report.adapted[S2 + "proj.weight"]


def test_new_bands_may_start_at_random(published, file):
    loaded = build(bands=["RED", "FOO"], new_bands="random", ckpt_path=file)
    whole = published[0].get_parameter(S2 + "proj.weight").unflatten(1, (256, 12))
    fitted = loaded.get_parameter(S2 + "proj.weight").unflatten(1, (256, 2))
    assert torch.equal(fitted[..., 0], whole[..., 3])
    assert not torch.allclose(fitted[..., 1], whole.mean(2), atol=1e-3)
    with pytest.raises(WeightsError, match="none of them is among the bands of the images: FOO"):
        build(bands=["FOO"], ckpt_path=file)


def test_bands_of_the_weights_can_be_said(published, tmp_path):
    path, three = tmp_path / "rgb.pt", build(bands=["BLUE", "GREEN", "RED"])
    torch.save(three.state_dict(), path)
    loaded = build(bands=["RED"], pretrained_bands={"S2L2A": ["BLUE", "GREEN", "RED"]}, ckpt_path=path)
    fitted, whole = (each.get_parameter(S2 + "proj.weight").unflatten(1, (256, -1)) for each in (loaded, three))
    assert torch.equal(fitted[..., 0], whole[..., 2])
    with pytest.raises(WeightsError, match=f"made for 3 bands, but pretrained_bands lists {len(S2L2A_BANDS)}"):
        build(bands=["RED"], ckpt_path=path)


def test_a_missing_entry_of_a_used_modality_is_an_error(published, file, tmp_path, caplog):
    path = tmp_path / "without.pt"
    torch.save({key: tensor for key, tensor in published[1].items() if key != DEM + "mod_emb"}, path)
    assert build(modalities=["S2L2A"], ckpt_path=path).weights_report.random == ()
    with pytest.raises(WeightsError, match=f"lacks {DEM}mod_emb"):
        build(modalities=["S2L2A", "DEM"], ckpt_path=path)
    with pytest.raises(WeightsError, match=r"lacks encoder_embeddings\.untok_sen1rtc@224"):
        build(modalities=["S1RTC"], ckpt_path=file)
    loaded = build(modalities=["S2L2A", "DEM"], ckpt_path=path, allow_missing_weights=True)
    assert loaded.weights_report.random == (DEM + "mod_emb",)
    assert "random       1" in caplog.text


def test_what_no_weights_have_starts_at_random_and_is_told(published, file, tmp_path):
    loaded = build(modalities=["S2L2A", {"planet": 4}], merge_method="concat", ckpt_path=file)
    new = ("missing_mod_token", "encoder_embeddings.planet.mod_emb", "encoder_embeddings.planet.proj.weight")
    assert loaded.weights_report.added == new
    assert loaded.weights_report.random == ()
    for name in new:
        parameter = loaded.get_parameter(name)
        assert not parameter.is_meta
        assert parameter.isfinite().all()
        assert parameter.std() > 0
    torch.save({f"model.encoder.{key}": tensor for key, tensor in loaded.state_dict().items()}, tmp_path / "tuned.pt")
    again = build(modalities=["S2L2A", {"planet": 4}], merge_method="concat", ckpt_path=tmp_path / "tuned.pt")
    assert again.weights_report.added == ()
    assert all(torch.equal(again.get_parameter(name), loaded.get_parameter(name)) for name in new)


@pytest.mark.parametrize(
    ("name", "kwargs", "message"),
    [
        ("terramind_v1_small", {}, r"the first layer has the shape \(192, 12, 256\), which is that of another model"),
        ("terramind_v1_small", {"modalities": ["Coords"]}, "made for a model of other sizes"),
        ("terramind_v1_large", {"modalities": ["Coords"]}, "lacks encoder.0.mlp.fc3.weight"),
        ("prithvi_eo_tiny", {}, "exactly one entry that ends in 'patch_embed.proj.weight'"),
    ],
)
def test_weights_of_another_model_are_refused(file, name, kwargs, message):
    with pytest.raises(WeightsError, match=message):
        build(name, ckpt_path=file, **kwargs)


def test_weights_do_not_depend_on_the_image_size(published, file):
    loaded = build(modalities=["DEM"], img_size=(64, 96), ckpt_path=file)
    assert loaded.encoder_embeddings["untok_dem@224"].pos_emb.shape == (1, 24, 192)
    assert torch.equal(loaded.get_parameter(DEM + "proj.weight"), published[0].get_parameter(DEM + "proj.weight"))


def test_tokenizers_have_weights_of_their_own(published, file, tmp_path, small_tokenizers):
    own = build("terramind_v1_tokenizer_lulc", with_decoder=True)
    torch.save(own.state_dict(), tmp_path / "lulc.pt")
    read = build("terramind_v1_tokenizer_lulc", ckpt_path=tmp_path / "lulc.pt")
    assert any(key.startswith("decoder.") for key in read.weights_report.ignored)
    loaded = build(modalities=["LULC"], ckpt_path=file, tokenizer_paths={"LULC": tmp_path / "lulc.pt"})
    tokenizer, x = loaded.tokenizer["tok_lulc@224"], torch.rand(1, 10, 32, 48)
    assert torch.equal(tokenizer.tokenize(x), own.tokenize(x))
    assert not any(parameter.requires_grad or parameter.is_meta for parameter in tokenizer.parameters())
    with pytest.raises(WeightsError, match=r"lacks tokenizer\.tok_lulc@224\."):
        build(modalities=["LULC"], ckpt_path=file)
    torch.save(loaded.state_dict(), tmp_path / "both.pt")
    again = build(modalities=["LULC"], ckpt_path=tmp_path / "both.pt")
    assert torch.equal(again.tokenizer["tok_lulc@224"].tokenize(x), own.tokenize(x))


@pytest.mark.parametrize("name", ["terramind_v1_base", "terramind_v1_tokenizer_lulc"])
def test_where_the_published_weights_are_is_told(name, small_tokenizers):
    with pytest.raises(
        WeightsError, match=r"ibm-esa-geospatial/TerraMind-1\.0-.*not in the cache.*give a local copy as ckpt_path"
    ):
        build(name, pretrained=True)
