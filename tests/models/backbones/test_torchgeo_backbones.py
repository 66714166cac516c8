"""ResNets, ViT-S and Swin for satellite images: what is known about them, their weights, their bands, any image size."""

import pytest
import torch

from isthmus.errors import ArgumentError, ShapeError, WeightsError
from isthmus.plan import check_encoder
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.specs.features import Layout
from isthmus.weights.uninitialised import uninitialised

FAMILIES = ("torchgeo_resnet", "torchgeo_vit", "satlas_swin")
ENTRIES = {
    name: ISTHMUS_BACKBONE_REGISTRY.entry(name)
    for name in ISTHMUS_BACKBONE_REGISTRY
    if ISTHMUS_BACKBONE_REGISTRY.entry(name).facts.get("family") in FAMILIES
}
RESNET = "ssl4eos12_resnet18_sentinel2_all_moco"
VIT = "ssl4eos12_vit_small_patch16_224_sentinel2_all_dino"
SWIN = "satlas_swin_t_sentinel2_si_ms"
FIRST = {
    RESNET: "conv1.weight",
    VIT: "patch_embed.proj.weight",
    SWIN: "features.0.0.weight",
}
CLASSIFIER = {
    RESNET: ("fc.weight", "fc.bias"),
    VIT: ("norm.weight", "norm.bias", "head.weight", "head.bias"),
    SWIN: ("norm.weight", "norm.bias", "head.weight", "head.bias"),
}


def build(name, **kwargs):
    return ENTRIES[name].build(**kwargs).eval()


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Files in the published layout, each with the encoder that is in it."""
    made = {}
    for name in FIRST:
        path = tmp_path_factory.mktemp("published") / "weights.pth"
        encoder = build(name)
        torch.save({**encoder.state_dict(), **{key: torch.ones(3) for key in CLASSIFIER[name]}}, path)
        made[name] = path, encoder
    return made


@pytest.mark.parametrize("family", FAMILIES)
def test_the_facts_are_those_of_what_is_built(family):
    for name, entry in ENTRIES.items():
        if entry.facts["family"] != family:
            continue
        with torch.device("meta"), uninitialised():
            encoder = entry.build(pretrained=True)
        facts = entry.facts
        assert sum(parameter.numel() for parameter in encoder.parameters()) == facts["parameters"], name
        assert all(tensor.is_meta for tensor in encoder.state_dict().values()), name
        assert encoder.bands == facts["bands"], name
        assert getattr(encoder, "patch_size", (None,))[0] == facts.get("patch_size"), name
        assert (encoder.input_spec.image_size or (None,))[0] == facts.get("image_size"), name
        assert {len(facts[key]) for key in ("wavelengths", "means", "stds") if key in facts} <= {len(facts["bands"])}
        assert facts["file"].endswith(f"-{facts['sha256_prefix']}.pth" if "sha256_prefix" in facts else "softcon.pth")
        assert len(facts["revision"]) == 40, name


def test_there_are_as_many_names_as_are_published():
    counted = [sum(entry.facts["family"] == family for entry in ENTRIES.values()) for family in FAMILIES]
    assert counted == [40, 12, 15]
    files = [entry.facts["weights"] + entry.facts["file"] for entry in ENTRIES.values()]
    assert len(files) - len(set(files)) == 1  # one has two names


@pytest.mark.parametrize(
    ("name", "kwargs"),
    [
        (RESNET, {"out_indices": [0, 1, 2, 3, 4]}),
        (VIT, {"out_indices": [2, -1]}),
        (SWIN, {"out_indices": [1, 3, 5, 7]}),
    ],
)
def test_keeps_the_contract_of_an_encoder(name, kwargs):
    sizes = [(64, 96), (80, 48)] + ([(50, 33)] if name == RESNET else [])
    specs = check_encoder(build(name, **kwargs), sizes)
    assert {spec.layout for spec in specs} == {Layout.GRID_LAST if name == SWIN else Layout.GRID}


@pytest.mark.parametrize("name", FIRST)
def test_published_weights_load_whole_and_leave_out_the_classifier(name, published):
    path, encoder = published[name]
    loaded = build(name, ckpt_path=path)
    assert loaded.weights_report.random == ()
    assert loaded.weights_report.adapted == {}
    assert set(loaded.weights_report.ignored) == set(CLASSIFIER[name])
    x = torch.randn(1, loaded.in_channels, 64, 96)
    with torch.no_grad():
        assert all(map(torch.equal, loaded(x), encoder(x)))


@pytest.mark.parametrize("name", FIRST)
def test_the_first_layer_follows_the_bands_by_name(name, published):
    path, encoder = published[name]
    own = encoder.state_dict()[FIRST[name]]
    place = {band: index for index, band in enumerate(encoder.bands)}
    bands = ["SWIR_2", "BLUE", "VV", "RED"]  # some of them, in another order, and a new one
    loaded = build(name, ckpt_path=path, model_bands=bands, out_indices=[-1])
    weight = loaded.state_dict()[FIRST[name]]
    for index, band in enumerate(bands):
        expected = own[:, place[band]] if band in place else own.mean(1)
        torch.testing.assert_close(weight[:, index], expected)
    assert set(loaded.weights_report.adapted) == {FIRST[name]}
    assert torch.isfinite(loaded(torch.randn(2, 4, 64, 32))[0]).all()


def test_bands_of_other_names_are_told_by_pretrained_bands(published):
    path, encoder = published[RESNET]
    named = [f"B{index}" for index in range(13)]
    loaded = build(RESNET, ckpt_path=path, model_bands=["B3", "B0"], pretrained_bands=named)
    assert torch.equal(loaded.conv1.weight, encoder.conv1.weight[:, [3, 0]])
    with pytest.raises(WeightsError, match="none of them is among the bands of the images: 0, 1"):
        build(RESNET, ckpt_path=path, in_chans=2)
    assert build(RESNET, ckpt_path=path, in_chans=2, new_bands="random").weights_report.random == ()


@pytest.mark.parametrize("name", FIRST)
def test_a_file_without_a_parameter_is_refused_unless_that_is_allowed(name, published, tmp_path):
    path, encoder = published[name]
    state = torch.load(path)
    lost = list(dict(encoder.named_parameters()))[-1]
    del state[lost]
    torch.save({"state_dict": {f"encoder.{key}": tensor for key, tensor in state.items()}}, tmp_path / "part.pth")
    with pytest.raises(WeightsError, match=f"lacks {lost}"):
        build(name, ckpt_path=tmp_path / "part.pth")
    loaded = build(name, ckpt_path=tmp_path / "part.pth", allow_missing_weights=True)
    assert loaded.weights_report.random == (lost,)


def test_the_weights_of_another_size_are_refused(published):
    path, _ = published[RESNET]
    with pytest.raises(WeightsError, match=r"lacks layer1\.0\.conv3\.weight"):
        build("ssl4eos12_resnet50_sentinel2_all_moco", ckpt_path=path)
    with pytest.raises(WeightsError, match="exactly one entry that ends in"):
        build(VIT, ckpt_path=path)


def test_position_embeddings_follow_the_size_of_the_images(published):
    path, encoder = published[VIT]
    for size in (112, [64, 96]):
        loaded = build(VIT, ckpt_path=path, img_size=size, out_indices=[0])
        assert "resized from 14 x 14" in loaded.weights_report.adapted["pos_embed"]
        x = torch.randn(1, 13, *loaded.image_size)
        with torch.no_grad():
            torch.testing.assert_close(loaded(x)[0], encoder(x)[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", FIRST)
def test_other_shapes_are_refused_with_what_was_expected(name):
    encoder = build(name, model_bands=["RED", "GREEN"])
    with pytest.raises(ShapeError, match=r"takes 2 bands \(RED, GREEN\)"):
        encoder(torch.zeros(1, 3, 64, 64))
    with pytest.raises(ShapeError, match=r"\(B, C, H, W\)"):
        encoder(torch.zeros(1, 2, 3, 64, 64))


@pytest.mark.parametrize("name", FIRST)
def test_indices_that_are_not_there_are_refused(name):
    with torch.device("meta"), pytest.raises(ArgumentError, match="out_indices is"):
        build(name, out_indices=[12])
