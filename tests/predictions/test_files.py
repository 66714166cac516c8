"""What is written of each kind of output, opened again as a GIS would."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import rasterio
import torch
from drawn_places import UTM, place_of

from isthmus.errors import DataError, RasterError
from isthmus.predictions import meaning_of
from isthmus.predictions.tables import write_rows
from isthmus.rasters.legend import class_legend, value_legend
from isthmus.rasters.write import write_map
from isthmus.specs import Classes, Points, Quantities, Scope

COLOURS = ((217, 205, 180), (51, 119, 187))
LAND = Classes(("land", "water"), COLOURS)
HEIGHT = Quantities(("height", "cover"), ("m", ""))


@pytest.fixture
def place(tmp_path):
    bands = np.ones((1, 4, 6), np.int16)
    bands[0, 0, 0] = -1
    return place_of(tmp_path, bands, nodata=-1)


def test_classes_are_small_integers_with_names_and_colours(place):
    classes = torch.arange(24).remainder(2).view(4, 6)
    (path,) = meaning_of(LAND).write(classes, "pred", place)
    assert path.name == "scene_pred.tif"
    with rasterio.open(path) as result:
        assert (result.dtypes, result.nodata, result.transform) == (("uint8",), 255, UTM)
        assert result.colormap(1)[1] == (51, 119, 187, 255)
        assert result.tags(1)["CLASS_1"] == "water"
        assert result.read(1)[0].tolist() == [255, 1, 0, 1, 0, 1]
    assert "<Category>water</Category>" in path.with_name("scene_pred.tif.aux.xml").read_text()


@pytest.mark.parametrize("suffix", ["logits", "probabilities"])
def test_scores_of_classes_have_a_band_each(place, suffix):
    scores = torch.rand(2, 4, 6)
    (path,) = meaning_of(LAND).write(scores, suffix, place)
    with rasterio.open(path) as result:
        assert result.descriptions == ("land", "water")
        assert np.isnan(result.nodata)
        assert np.array_equal(result.read()[:, 1:], scores[:, 1:].numpy())


def test_several_classes_at_once_have_a_band_each(place):
    flags = torch.rand(2, 4, 6) > 0.5
    (path,) = meaning_of(replace(LAND, several=True)).write(flags, "pred", place)
    with rasterio.open(path) as result:
        assert (result.dtypes, result.nodata, result.descriptions) == (("uint8",) * 2, 255, ("land", "water"))
        assert np.array_equal(result.read()[:, 1:], flags[:, 1:].numpy())
        assert (result.read()[:, 0, 0] == 255).all()


def test_quantities_are_float_with_names_units_and_nan(place):
    values = 40 * torch.rand(2, 4, 6)
    (path,) = meaning_of(HEIGHT).write(values, "pred", place)
    with rasterio.open(path) as result:
        assert result.dtypes == ("float32", "float32")
        assert np.isnan(result.nodata)
        assert result.descriptions == ("height", "cover")
        assert result.units == ("m", None)
        assert (result.transform, result.crs.to_epsg()) == (UTM, 32629)
        written = result.read()
        assert result.colorinterp[0].name != "palette"
    assert np.isnan(written[:, 0, 0]).all()
    assert np.array_equal(written[:, 1:], values[:, 1:].numpy())
    assert not list(path.parent.glob("*.xml"))


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.float16])
def test_quantities_never_become_classes(place, dtype):
    values = torch.arange(24).remainder(2).view(4, 6).to(dtype)
    spec = Quantities(("height",), ("m",))
    (path,) = meaning_of(spec).write(values, "pred", place)
    with rasterio.open(path) as result:
        assert (result.dtypes, result.units, result.tags(1).get("CLASS_0")) == (("float32",), ("m",), None)


def test_a_map_of_classes_that_is_replaced_leaves_no_names_behind(place):
    meaning_of(LAND).write(torch.zeros(4, 6, dtype=torch.int64), "pred", place)
    (path,) = meaning_of(Quantities(("height",))).write(torch.zeros(4, 6), "pred", place)
    assert [file.name for file in path.parent.iterdir()] == ["scene_pred.tif"]


def test_another_number_of_bands_is_an_error(place):
    with pytest.raises(RasterError, match=r"scene\.tif has 3 bands, but 2 were expected: height, cover"):
        meaning_of(HEIGHT).write(torch.zeros(3, 4, 6), "pred", place)


def test_a_legend_can_stand_alone(place, tmp_path):
    write_map(tmp_path / "a.tif", np.zeros((4, 6)), place.frame, value_legend(["height"]))
    with rasterio.open(tmp_path / "a.tif") as result:
        assert result.units == (None,)
    assert class_legend(["a"] * 300).colours == {}


def test_an_image_is_never_overwritten(place):
    target = place.stem.with_name("scene_pred.tif")
    with pytest.raises(RasterError, match="would overwrite the image"):
        replace(place, images=frozenset([str(target.resolve())])).file("pred.tif")


def test_points_are_a_table_and_a_layer(place):
    points = torch.tensor([[[1.0, 2.0, 0.9], [torch.nan, torch.nan, 0.1]]])
    table, layer = meaning_of(Points(("nose", "tail"))).write(points, "points", place)
    assert (table.name, layer.name) == ("scene_points.csv", "scene_points.geojson")
    with table.open(newline="") as file:
        assert [row["point"] for row in csv.DictReader(file)] == ["nose"]
    (feature,) = json.loads(layer.read_text())["features"]
    assert feature["geometry"]["coordinates"] == [487740 + 1.5 * 20, 4738740 - 2.5 * 20]
    with pytest.raises(DataError, match=r"4 x 6 pixels .* predicted as 8 x 12"):
        meaning_of(Points(("nose", "tail"))).write(points, "points", replace(place, size=(8, 12)))


def test_labels_of_images_are_rows_of_a_table(place, tmp_path):
    image = meaning_of(replace(LAND, scope=Scope.IMAGE))
    assert image.write(torch.tensor(1), "pred", place) == []
    rows = {
        name: image.row(torch.tensor(label), "pred") | image.row(torch.tensor(scores), "probabilities")
        for name, label, scores in (("a/1.tif", 1, [0.1, 0.9]), ("b, c.tif", 0, [0.75, 0.25]))
    }
    write_rows(tmp_path / "predictions.csv", rows)
    assert (tmp_path / "predictions.csv").read_text().splitlines() == [
        "filename,class,probability_land,probability_water",
        "a/1.tif,water,0.1,0.9",
        '"b, c.tif",land,0.75,0.25',
    ]


def test_columns_of_other_labels():
    several = meaning_of(replace(LAND, scope=Scope.IMAGE, several=True))
    assert several.row(torch.tensor([True, True]), "pred") == {"classes": "land; water"}
    assert several.row(torch.tensor([False, False]), "pred") == {"classes": ""}
    assert list(several.row(torch.tensor([0.5, -1]), "logits")) == ["logit_land", "logit_water"]
    values = meaning_of(replace(HEIGHT, scope=Scope.IMAGE))
    assert values.row(torch.tensor([2.5, 7.0]), "pred") == {"height": 2.5, "cover": 7.0}
    assert meaning_of(Quantities(("yield",), scope=Scope.IMAGE)).row(torch.tensor(3.0), "pred") == {"yield": 3.0}


def test_a_column_called_like_that_of_the_names_is_refused(tmp_path):
    with pytest.raises(DataError, match="'filename'"):
        write_rows(tmp_path / "a.csv", {"1.tif": {"filename": 1.0}})
