"""Pictures, tables and files of points."""

import csv
import json
import math

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.transform import Affine

from isthmus.predictions.point_files import write_points_layer, write_points_table
from isthmus.predictions.point_pictures import KeypointSample, blend_maps, draw_keypoints

COLOURS = [(255, 0, 0), (0, 0, 255)]
NAN = math.nan
POINTS = np.array([[[3.25, 4.5, 0.91234], [NAN, NAN, 0.1]], [[NAN, NAN, NAN], [0, 2, 0.5]]], np.float32)


def test_each_map_shines_in_its_colour():
    maps = np.array([[[1.0, 0.0, 0.5, -3.0]], [[0.0, 0.0, 0.5, 7.0]]])
    assert blend_maps(maps, COLOURS)[0].tolist() == [[1, 0, 0], [0, 0, 0], [0.5, 0, 0.5], [0, 0, 1]]


@pytest.mark.parametrize(("count", "known", "instances"), [(1, True, 1), (3, False, 0), (6, True, 20)])
def test_samples_are_drawn(tmp_path, count, known, instances):
    random = np.random.default_rng(0)
    samples = [
        KeypointSample(
            random.random((4, 24, 32)),
            30 * random.random((instances, 2, 2)) if known else None,
            np.where(random.random((instances, 2, 1)) < 0.3, NAN, 30 * random.random((instances, 2, 2))),
            random.random((2, 12, 16)),
            2,
            "a name that is much too long for the place it has in the picture.tif",
        )
        for _ in range(count)
    ]
    path = tmp_path / "a.png"
    draw_keypoints(path, samples, ["nose", "tail"], COLOURS, title="some")
    assert path.stat().st_size > 1000
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_points_in_a_table(tmp_path):
    write_points_table(tmp_path / "a.csv", POINTS, ["nose", "tail"])
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["instance", "point", "x", "y", "score"],
        ["0", "nose", "3.25", "4.5", "0.9123"],
        ["1", "tail", "0.0", "2.0", "0.5"],
    ]


def test_points_on_the_earth(tmp_path):
    transform = Affine(0.6, 0, 500000, 0, -0.6, 4000000)
    write_points_layer(tmp_path / "a.geojson", POINTS, ["nose", "tail"], transform, CRS.from_epsg(26911))
    layer = json.loads((tmp_path / "a.geojson").read_text())
    assert layer["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::26911"
    first = layer["features"][0]
    assert first["geometry"]["coordinates"] == pytest.approx([500000 + 3.75 * 0.6, 4000000 - 5 * 0.6])
    assert first["properties"] == {"instance": 0, "point": "nose", "score": 0.9123}
    assert len(layer["features"]) == 2
