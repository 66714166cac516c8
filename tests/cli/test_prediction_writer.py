"""The names of maps."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.cli.prediction_writer import name_maps

PARTS = st.sampled_from(["a", "b", "x.y", "scene"])
FILES = st.builds(
    lambda folders, stem, ending: str(Path("/data", *folders, stem + ending)),
    st.lists(PARTS, max_size=3),
    PARTS,
    st.sampled_from([".tif", ".jp2", ".tiff", ""]),
)


def test_images_in_one_folder_give_their_stems():
    assert name_maps(["/d/1.tif", "/d/2.tif"]) == {"/d/1.tif": Path("1"), "/d/2.tif": Path("2")}


def test_equal_names_keep_the_folders_below_the_one_they_share():
    names = name_maps(["/d/north/x/1.tif", "/d/south/x/1.tif"])
    assert list(names.values()) == [Path("north/x/1"), Path("south/x/1")]


def test_a_path_seen_from_here_is_the_same_file(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert name_maps(["images/1.tif", "images/more/1.tif"]) == {
        "images/1.tif": Path("1"),
        "images/more/1.tif": Path("more/1"),
    }


def test_names_that_differ_in_the_extension_keep_it():
    assert list(name_maps(["/d/1.tif", "/d/1.jp2", "/d/2.tif"]).values()) == [Path("1.tif"), Path("1.jp2"), Path("2")]


@given(st.lists(FILES, min_size=1, max_size=12, unique=True))
def test_no_two_images_share_a_map(files):
    names = name_maps(files)
    assert list(names) == files
    assert len(set(names.values())) == len(files)
    assert not any(name.is_absolute() or ".." in name.parts for name in names.values())


@pytest.mark.parametrize("count", [0, 1])
def test_few_images(count):
    assert len(name_maps(["/d/1.tif"][:count])) == count
