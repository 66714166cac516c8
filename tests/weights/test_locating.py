"""Which file of a folder is taken."""

import pytest
import torch
from safetensors.torch import save_file

from isthmus.errors import WeightsError
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.weights.locating import locate

NAME = "prithvi_eo_v2_tiny_tl"
PUBLISHED = "Prithvi_EO_V2_tiny_TL.pt"
TWIN = "Prithvi_EO_V2_tiny_TL.safetensors"


@pytest.mark.parametrize(
    ("held", "taken"),
    [
        ([PUBLISHED], PUBLISHED),
        ([TWIN], TWIN),
        ([PUBLISHED, TWIN, "other.pt"], PUBLISHED),
        ([TWIN, "other.pt"], TWIN),
        (["mine.ckpt", "README.md", "config.json"], "mine.ckpt"),
        (["model.safetensors"], "model.safetensors"),
    ],
)
def test_a_folder_is_asked_for_the_published_name_first(tmp_path, held, taken):
    for file in held:
        (tmp_path / file).touch()
    assert locate(NAME, tmp_path) == (tmp_path / taken, str(tmp_path / taken))
    assert locate(NAME, str(tmp_path))[0] == tmp_path / taken


@pytest.mark.parametrize(
    ("name", "held", "message"),
    [
        (NAME, ["b.pt", "a.ckpt"], r"holds a\.ckpt, b\.pt: Prithvi_EO_V2_tiny_TL\.pt or one file of weights alone was"),
        (NAME, ["notes.txt"], r"holds no file that ends in \.safetensors, \.pt, \.pth, \.ckpt"),
        (NAME, [], "holds no file"),
        ("prithvi_eo_tiny", ["b.pt", "a.pt"], r"holds a\.pt, b\.pt: one file of weights was expected"),
    ],
)
def test_a_folder_that_leaves_a_choice_or_none_is_an_error(tmp_path, name, held, message):
    for file in held:
        (tmp_path / file).touch()
    with pytest.raises(WeightsError, match=f"{tmp_path} {message}"):
        locate(name, tmp_path)


def test_the_home_folder_is_understood(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "w.pt").touch()
    assert locate(NAME, "~/w.pt")[0] == tmp_path / "w.pt"


def test_a_backbone_is_built_from_a_folder(tmp_path):
    encoder = ISTHMUS_BACKBONE_REGISTRY.build(NAME, depth=1)
    save_file(encoder.state_dict(), tmp_path / TWIN)
    loaded = ISTHMUS_BACKBONE_REGISTRY.build(NAME, ckpt_path=tmp_path, depth=1)
    assert torch.equal(loaded.norm.weight, encoder.norm.weight)
    assert loaded.weights_report.source == str(tmp_path / TWIN)
