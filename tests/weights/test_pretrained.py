"""Pretrained encoders, from a file and from the cache of the Hub."""

import pytest
import torch
from safetensors.torch import save_file

from isthmus.errors import WeightsError
from isthmus.models.backbones.prithvi.family import Prithvi
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.weights import published_weights

TINY = "prithvi_eo_v2_tiny_tl"


def build(name=TINY, **kwargs):
    return ISTHMUS_BACKBONE_REGISTRY.build(name, **kwargs)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A file in the layout of the published ones, and the encoder in it."""
    path = tmp_path_factory.mktemp("weights") / "tiny.pt"
    encoder = build()
    state = {f"encoder.{key}": tensor for key, tensor in encoder.state_dict().items()}
    state["encoder.pos_embed"] = torch.zeros(1, 785, 192)  # of four frames
    torch.save(state | {"decoder.mask_token": torch.zeros(1, 1, 512)}, path)
    return path, encoder


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the Hub, without a network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path


@pytest.mark.parametrize("pretrained", [True, False])
def test_a_file_is_loaded_whatever_pretrained_says(checkpoint, pretrained):
    path, encoder = checkpoint
    loaded = build(pretrained=pretrained, ckpt_path=path, num_frames=3)
    for key, tensor in encoder.named_parameters():
        assert torch.equal(loaded.get_parameter(key), tensor), key
    report = loaded.weights_report
    assert len(report.loaded) == len(list(encoder.parameters()))
    assert report.source == str(path)
    assert report.ignored == ("decoder.mask_token", "pos_embed")


def test_a_subset_of_bands_takes_its_slices_by_name(checkpoint):
    path, encoder = checkpoint
    loaded = build(ckpt_path=path, bands=("RED", "VV", "BLUE"))
    weight, pretrained = (each.patch_embed.proj.weight for each in (loaded, encoder))
    assert torch.equal(weight[:, [0, 2]], pretrained[:, [2, 0]])
    torch.testing.assert_close(weight[:, 1], pretrained.mean(1))
    assert "VV set to the mean" in loaded.weights_report.adapted["patch_embed.proj.weight"]
    alone = {band: build(ckpt_path=path, bands=[band]).patch_embed.proj.weight for band in ("RED", "BLUE")}
    assert torch.equal(alone["RED"][:, 0], weight[:, 0])


def test_bands_of_the_weights_can_be_said(checkpoint, tmp_path):
    rgb = build(bands=["RED", "GREEN", "BLUE"])
    torch.save(rgb.state_dict(), tmp_path / "rgb.pt")
    loaded = build(bands=["BLUE"], ckpt_path=tmp_path / "rgb.pt", pretrained_bands=["RED", "GREEN", "BLUE"])
    assert torch.equal(loaded.patch_embed.proj.weight[:, 0], rgb.patch_embed.proj.weight[:, 2])
    with pytest.raises(WeightsError, match="was made for 3 bands, but pretrained_bands lists 6"):
        build(bands=["BLUE"], ckpt_path=tmp_path / "rgb.pt")


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"in_chans": 4}, "none of them is among the bands of the images: 0, 1, 2, 3"),
        ({"patch_size": 8}, r"patches of \(1, 16, 16\), the encoder for \(1, 8, 8\)"),
        ({"depth": 13}, r"lacks blocks\.12\.norm1\.weight, .* and 9 more; set allow_missing_weights"),
        ({"embed_dim": 96}, "that of another model"),
        ({"mlp_ratio": 2.0}, "made for a model of other sizes"),
    ],
)
def test_weights_that_do_not_fit_are_an_error_that_names_the_file(checkpoint, kwargs, message):
    with pytest.raises(WeightsError, match=f"tiny.pt.*{message}"):
        build(ckpt_path=checkpoint[0], **kwargs)


def damaged(state):
    state["encoder.blocks.3.mlp.fc1.weight"][0, 0] = float("nan")
    return state


def of_another_family(state):
    return {key.replace("patch_embed.proj", "conv1"): tensor for key, tensor in state.items()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (damaged, r"NaN or infinite values in blocks\.3\.mlp\.fc1\.weight"),
        (
            of_another_family,
            r"exactly one entry that ends in 'patch_embed\.proj\.weight' was expected, but there is none",
        ),
    ],
)
def test_an_encoder_stays_as_it_is_where_weights_are_refused(checkpoint, change, message):
    state = change(torch.load(checkpoint[0], weights_only=True))
    encoder = build()
    before = {key: tensor.clone() for key, tensor in encoder.state_dict().items()}
    for assign in (True, False):
        with pytest.raises(WeightsError, match=message):
            Prithvi.published.load(encoder, state, "tiny.pt", bands=encoder.bands, assign=assign)
    assert all(torch.equal(tensor, before[key]) for key, tensor in encoder.state_dict().items())
    assert encoder.weights_report is None


@pytest.mark.parametrize("ending", [".pt", ".safetensors"])
def test_an_encoder_does_not_depend_on_its_file(checkpoint, tmp_path, ending):
    path = tmp_path / f"w{ending}"
    state = torch.load(checkpoint[0], weights_only=True)
    save_file(state, path) if ending == ".safetensors" else torch.save(state, path)
    loaded = build(ckpt_path=path)
    with path.open("r+b") as file:
        file.write(b"\0" * path.stat().st_size)
        file.truncate(0)
    assert torch.equal(loaded.blocks[5].attn.qkv.weight, checkpoint[1].blocks[5].attn.qkv.weight)


def test_missing_weights_can_be_allowed(checkpoint, caplog):
    loaded = build(ckpt_path=checkpoint[0], depth=13, allow_missing_weights=True)
    assert len(loaded.weights_report.random) == 12
    assert all(key.startswith("blocks.12.") for key in loaded.weights_report.random)
    assert "blocks (12)" in caplog.text


def test_without_the_hub_the_error_says_what_is_expected_where(cache):
    with pytest.raises(WeightsError) as caught:
        build("prithvi_eo_v2_300", pretrained=True, depth=1)
    message = str(caught.value)
    for part in ("ibm-nasa-geospatial/Prithvi-EO-2.0-300M/Prithvi_EO_V2_300M.pt", str(cache), "ckpt_path"):
        assert part in message


def test_the_cache_of_the_hub_is_used(cache, checkpoint):
    published = published_weights(TINY)
    repository = cache / f"models--{published.repo.replace('/', '--')}"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / published.file).write_bytes(checkpoint[0].read_bytes())
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    loaded = build(pretrained=True)
    assert torch.equal(loaded.norm.weight, checkpoint[1].norm.weight)
    assert loaded.weights_report.source == str(published)


def test_a_backbone_without_published_weights_says_so():
    with pytest.raises(WeightsError, match="no weights are published for the backbone 'prithvi_eo_tiny'"):
        build("prithvi_eo_tiny", pretrained=True)
