"""OlmoEarth v1: the numbers of the published package, and what an encoder must keep besides."""

import copy
import datetime
import importlib.util

import pytest
import torch

from isthmus.errors import ArgumentError, MissingExtraError, ShapeError, WeightsError
from isthmus.models.backbones.olmoearth.catalog import BAND_SETS, BANDS
from isthmus.plan import check_encoder
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY

NANO = "olmoearth_v1_nano"


def build(name=NANO, **kwargs):
    return ISTHMUS_BACKBONE_REGISTRY.build(name, **kwargs).eval()


def test_without_the_package_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'isthmus\[olmoearth\]'"):
        build()


def test_wrong_arguments_are_refused_before_the_package_is_needed():
    with pytest.raises(ArgumentError, match=r"'CIRRUS'.*It knows: BLUE"):
        build(bands=["RED", "CIRRUS"])
    with pytest.raises(ArgumentError, match="each once"):
        build(bands=["RED", "RED"])
    with pytest.raises(ArgumentError, match="patch_size is 16"):
        build(patch_size=16)


@pytest.fixture(scope="module")
def package():
    return pytest.importorskip("olmoearth_pretrain_minimal", reason="the extra olmoearth is not installed")


@pytest.fixture(scope="module")
def published(package):
    """The published model with its decoder and its target encoder, and something in every parameter."""
    torch.manual_seed(0)
    model = package.OlmoEarthPretrain_v1("nano", "v1").model.eval()
    for parameter in model.encoder.parameters():
        if parameter.requires_grad:
            parameter.data += 0.05 * torch.randn_like(parameter)
    return model


@pytest.fixture(scope="module")
def file(published, tmp_path_factory):
    path = tmp_path_factory.mktemp("olmoearth") / "weights.pth"
    torch.save(published.state_dict(), path)
    return path


def published_output(model, x, dates, missing=(), patch_size=8, gsd=10):
    """What the package gives for `(B, C, T, H, W)`, all twelve bands in its order, as its evaluation pools it."""
    from olmoearth_pretrain_minimal.olmoearth_pretrain_v1.utils.datatypes import MaskedOlmoEarthSample, MaskValue

    mask = torch.zeros(len(x), *x.shape[3:], x.shape[2], 3, dtype=torch.long)
    mask[..., list(missing)] = MaskValue.MISSING.value
    days = [[datetime.date(int(y), 1, 1) + datetime.timedelta(int(d) - 1) for y, d in row] for row in dates]
    stamps = torch.tensor([[[day.day, day.month - 1, day.year] for day in row] for row in days])
    sample = MaskedOlmoEarthSample(stamps, sentinel2_l2a=x.permute(0, 3, 4, 2, 1), sentinel2_l2a_mask=mask)
    with torch.no_grad():
        tokens = model.encoder(sample, patch_size=patch_size, input_res=gsd)["tokens_and_masks"].sentinel2_l2a
    kept = [index for index in range(3) if index not in missing]
    return tokens[..., kept, :].mean(dim=(3, 4)).movedim(3, 1)


DATES = torch.tensor([[[2020, 1], [2020, 60], [2021, 60]], [[2020, 366], [2100, 365], [2020, 61]]]).float()


@pytest.mark.parametrize(("patch_size", "gsd"), [(8, 10), (4, 10), (8, 30)])
def test_it_agrees_with_the_package(published, file, patch_size, gsd):
    encoder = build(ckpt_path=file, patch_size=patch_size, gsd=float(gsd), out_indices=[-1])
    x = torch.rand(2, 12, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(encoder(x, DATES)[0], published_output(published, x, DATES, (), patch_size, gsd))
    assert not encoder.weights_report.random
    assert not encoder.weights_report.adapted


def test_a_set_of_bands_that_is_missing_is_one_that_the_package_masks(published, file):
    bands = [*reversed(BAND_SETS[1]), *BAND_SETS[0]]  # and the order is that of the images
    encoder = build(ckpt_path=file, bands=bands, out_indices=[-1])
    x = torch.rand(2, 12, 3, 16, 16)
    with torch.no_grad():
        output = encoder(x[:, [BANDS.index(band) for band in bands]], DATES)[0]
    torch.testing.assert_close(output, published_output(published, x, DATES, missing=[2]))


def test_a_band_that_is_missing_in_its_set_counts_as_zero(published, file):
    bands = ["RED", "GREEN", "BLUE"]
    encoder = build(ckpt_path=file, bands=bands, out_indices=[-1])
    x = torch.zeros(2, 12, 3, 16, 16)
    x[:, :3] = torch.rand(2, 3, 3, 16, 16)
    with torch.no_grad():
        output = encoder(x[:, :3].flip(1), DATES)[0]
    torch.testing.assert_close(output, published_output(published, x, DATES, missing=[1, 2]))
    assert "NIR_BROAD left out" in str(encoder.weights_report)


def test_a_place_is_encoded_the_same_in_an_image_of_any_shape(file):
    encoder = build(ckpt_path=file)
    tokens = torch.zeros(1, 3, 7, 2, 3, 128)
    oblong = encoder._encodings(tokens, None)
    square = encoder._encodings(torch.zeros(1, 7, 7, 2, 3, 128), None)
    assert torch.equal(oblong, square[:, :3])


def test_dates_count_by_their_month_and_without_them_none_does(package):
    encoder = build(out_indices=[0, -1])
    months = [[datetime.date(year, 1, 1) + datetime.timedelta(day) for day in range(365)] for year in (2019, 2020)]
    dates = torch.tensor([[[day.year, day.timetuple().tm_yday] for day in row] for row in months]).float()
    assert encoder.months(dates).tolist() == [[day.month - 1 for day in row] for row in months]
    x = torch.rand(1, 12, 16, 24)
    assert [tuple(feature.shape) for feature in encoder(x)] == [(1, 128, 2, 3)] * 2
    march, april = (encoder(x, torch.tensor([[[2021.0, day]]]))[1] for day in (60, 91))
    assert not torch.allclose(march, april)
    assert not torch.allclose(march, encoder(x)[1])


def test_it_is_a_sound_encoder(package):
    check_encoder(build(bands=["RED", "SWIR_1"], out_indices=[1, 3]))
    encoder = build(drop_path=0.1).train()
    sum(feature.sum() for feature in copy.deepcopy(encoder)(torch.rand(1, 12, 16, 16))).backward()


def test_other_shapes_are_refused(package):
    encoder = build()
    with pytest.raises(ShapeError, match="takes 12 bands"):
        encoder(torch.rand(1, 6, 16, 16))
    with pytest.raises(ShapeError, match="does not divide into patches"):
        encoder(torch.rand(1, 12, 2, 16, 20))
    with pytest.raises(ShapeError, match=r"\(B, C, H, W\)"):
        encoder(torch.rand(12, 16, 16))
    with pytest.raises(ShapeError, match=r"temporal_coords has the shape \(1, 1, 2\): \(1, 2, 2\)"):
        encoder(torch.rand(1, 12, 2, 16, 16), DATES[:1, :1])


def test_its_own_weights_load_again_and_others_do_not(file, tmp_path):
    encoder = build(ckpt_path=file, bands=["RED", "GREEN"])
    torch.save(
        {"state_dict": {f"model.encoder.{k}": v for k, v in encoder.state_dict().items()}}, tmp_path / "own.ckpt"
    )
    with pytest.raises(WeightsError, match="bands"):
        build(ckpt_path=tmp_path / "own.ckpt")
    again = build(ckpt_path=tmp_path / "own.ckpt", bands=["GREEN", "RED"], pretrained_bands=["RED", "GREEN"])
    assert all(map(torch.equal, again.state_dict().values(), encoder.state_dict().values()))
    entries = torch.load(file)
    del entries["encoder.blocks.0.attn.q.weight"]
    torch.save(entries, tmp_path / "lacking.pth")
    with pytest.raises(WeightsError, match=r"lacks blocks\.0\.attn\.q\.weight"):
        build(ckpt_path=tmp_path / "lacking.pth")
    with pytest.raises(WeightsError, match="that of another model"):
        build("olmoearth_v1_tiny", ckpt_path=file, allow_missing_weights=True)
