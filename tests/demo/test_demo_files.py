"""What the demonstration writes: chips, the configuration, scores and the picture."""

import itertools
import struct

import numpy as np
import pytest
import rasterio
import yaml

from isthmus.config.check import check_config
from isthmus.config_file import load_config
from isthmus.demo.chips import BLOCKS, CHIP, Block, write_chips, write_landscape
from isthmus.demo.config import configuration
from isthmus.demo.landscape import IGNORE, NODATA, draw_landscape
from isthmus.demo.picture import draw_picture, natural_colours
from isthmus.demo.scores import score


@pytest.fixture(scope="module")
def landscape():
    return draw_landscape(256, 1024, seed=3)


@pytest.fixture(scope="module")
def folder(landscape, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    write_landscape(landscape, folder / "landscape")
    chips = write_chips(landscape, folder)
    (folder / "config.yaml").write_text(configuration(folder, landscape, chips, epochs=2))
    return folder


def test_the_blocks_part_the_landscape():
    edges = [(block.first, block.last) for block in BLOCKS]
    assert [block.name for block in BLOCKS] == ["train", "val", "test"]
    assert all(before[1] == after[0] for before, after in itertools.pairwise(edges))


def test_chips_stay_inside_their_block():
    corners = list(Block("train", 100, 430, stride=64).corners(300))
    assert all(100 <= column <= 430 - CHIP and 0 <= row <= 300 - CHIP for row, column in corners)
    assert len(corners) == len(set(corners)) == 3 * 4


def test_chips_are_the_landscape_at_their_place(landscape, folder):
    files = sorted((folder / "test" / "images").glob("*.tif"))
    assert len(files) == len(sorted((folder / "test" / "labels").glob("*.tif"))) == 6
    with rasterio.open(folder / "landscape" / "landscape.tif") as whole:
        place, crs = whole.transform, whole.crs
    for file in files:
        row, column = map(int, file.stem.split("_"))
        with rasterio.open(file) as image, rasterio.open(folder / "test" / "labels" / file.name) as label:
            assert image.crs == label.crs == crs
            assert (image.transform.c, image.transform.f) == (place.c + 10 * column, place.f - 10 * row)
            assert image.transform.a == label.transform.a == 10
            assert image.nodata == NODATA
            assert label.nodata == IGNORE
            assert image.descriptions == landscape.bands
            window = (slice(row, row + CHIP), slice(column, column + CHIP))
            np.testing.assert_array_equal(image.read(), landscape.image[:, *window])
            np.testing.assert_array_equal(label.read(1), landscape.labels[window])


@pytest.mark.parametrize("subcommand", ["fit", "test", "predict"])
def test_the_configuration_has_no_fault(folder, subcommand):
    assert check_config(load_config(folder / "config.yaml"), subcommand) == []


def test_the_schedule_ends_with_the_training(landscape, folder):
    config = yaml.safe_load((folder / "config.yaml").read_text())
    chips = len(list((folder / "train" / "images").glob("*.tif")))
    steps = config["trainer"]["max_epochs"] * (chips // config["data"]["init_args"]["batch_size"])
    assert config["model"]["init_args"]["scheduler_hparams"]["total_steps"] == steps
    assert config["model"]["init_args"]["class_names"] == list(landscape.class_names)


def test_scores_of_a_map_known_by_hand():
    truth = np.array([[0, 0, 1, 1], [1, 1, 1, IGNORE]], np.uint8)
    mapped = np.array([[0, 1, 1, 1], [1, 1, 0, 2]], np.uint8)
    scores = score(mapped, truth, ["a", "b", "c"])
    assert scores.pixels == 7
    assert scores.iou["a"] == pytest.approx(1 / 3)
    assert scores.iou["b"] == pytest.approx(4 / 6)
    assert np.isnan(scores.iou["c"])
    assert scores.mean_iou == pytest.approx(0.5)
    assert scores.accuracy == pytest.approx(5 / 7)
    assert scores.to_dict()["iou"]["a"] == scores.iou["a"]


def test_the_picture_shows_three_panels(landscape, tmp_path):
    draw_picture(tmp_path / "map.png", landscape, landscape.labels, ("image", "truth", "map"))
    width, height = struct.unpack(">II", (tmp_path / "map.png").read_bytes()[16:24])
    assert width > 2 * height


def test_natural_colours_show_no_data_as_black(landscape):
    picture = natural_colours(landscape.image, landscape.bands)
    assert picture.min() >= 0
    assert picture.max() <= 1
    assert (picture[landscape.image[0] == NODATA] == 0).all()
