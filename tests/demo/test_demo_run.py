"""The demonstration from end to end, cut short."""

import json

import numpy as np
import pytest
import rasterio

from isthmus.demo import run
from isthmus.demo.landscape import CLASS_NAMES, IGNORE, NODATA


@pytest.mark.slow
def test_it_trains_maps_and_keeps_the_score(tmp_path):
    report = run(tmp_path / "demo", epochs=1)
    with rasterio.open(report.map) as mapped, rasterio.open(tmp_path / "demo/landscape/landscape.tif") as image:
        assert mapped.crs == image.crs
        assert mapped.transform == image.transform
        classes, missing = mapped.read(1), image.read(1) == NODATA
        assert mapped.nodata == IGNORE
        assert mapped.tags(1)["CLASS_0"] == CLASS_NAMES[0]
        assert mapped.colormap(1)[0][:3] == (43, 108, 176)
    np.testing.assert_array_equal(classes == IGNORE, missing)
    assert report.picture.stat().st_size > 100_000
    scores = json.loads(report.scores_file.read_text())
    assert scores["gain_miou"] == pytest.approx(scores["map"]["mean_iou"] - scores["nearest_mean"]["mean_iou"])
    assert scores["map"]["pixels"] == scores["nearest_mean"]["pixels"]
    assert all(str(path) in str(report) for path in (report.map, report.picture, report.scores_file))
