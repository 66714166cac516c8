"""Maps as GeoTIFFs, opened again as a GIS would."""

import warnings

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.errors import NotGeoreferencedWarning
from rasterio.shutil import copy as copy_raster
from rasterio.transform import Affine

from isthmus.errors import RasterError
from isthmus.rasters.frame import read_frame
from isthmus.rasters.legend import class_dtype, class_legend, value_legend
from isthmus.rasters.write import write_map

UTM = Affine(20, 0, 487740, 0, -20, 4738740)
COLOURS = [(217, 205, 180), (51, 119, 187)]


def image(path, bands, *, transform=UTM, crs="EPSG:32629", **profile):
    bands = np.asarray(bands)
    count, height, width = bands.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            count=count,
            height=height,
            width=width,
            dtype=bands.dtype.name,
            transform=transform,
            crs=crs,
            **profile,
        ) as target:
            target.write(bands)
    return path


def classes(height=4, width=6):
    return (np.arange(height * width) % 2).reshape(height, width)


def test_the_map_lies_where_the_image_lies(tmp_path):
    source = image(tmp_path / "a.tif", np.ones((3, 4, 6), np.uint16))
    write_map(tmp_path / "map.tif", classes(), read_frame(source), class_legend(["land", "water"], COLOURS))
    with rasterio.open(tmp_path / "map.tif") as result:
        assert result.crs.to_epsg() == 32629
        assert result.transform == UTM
        assert result.dtypes == ("uint8",)
        assert result.nodata == 255
        assert result.compression.name == "deflate"
        assert (result.read(1) == classes()).all()


def test_an_image_that_lies_nowhere_gives_a_map_without_a_warning(tmp_path):
    source = image(tmp_path / "a.tif", np.ones((3, 4, 6), np.uint16), transform=None, crs=None)
    write_map(
        tmp_path / "map.tif", classes(), read_frame(source), class_legend(["land", "water"])
    )  # warnings are errors
    with pytest.warns(NotGeoreferencedWarning), rasterio.open(tmp_path / "map.tif") as result:
        assert result.crs is None


def test_ground_control_points_are_kept(tmp_path):
    points = [GroundControlPoint(row, col, 10 + col, 50 - row) for row in (0, 4) for col in (0, 6)]
    path = tmp_path / "a.tif"
    profile = {"driver": "GTiff", "count": 1, "height": 4, "width": 6, "dtype": "uint8"}
    with rasterio.open(path, "w", **profile, gcps=points, crs="EPSG:4326") as target:
        target.write(np.ones((1, 4, 6), np.uint8))
    write_map(tmp_path / "map.tif", classes(), read_frame(path), class_legend(["land", "water"]))
    with rasterio.open(tmp_path / "map.tif") as result:
        kept, crs = result.gcps
    assert [(p.row, p.col, p.x, p.y) for p in kept] == [(p.row, p.col, p.x, p.y) for p in points]
    assert crs.to_epsg() == 4326


def test_names_and_colours_are_inside(tmp_path):
    source = image(tmp_path / "a.tif", np.ones((1, 4, 6), np.uint8))
    write_map(tmp_path / "map.tif", classes(), read_frame(source), class_legend(["land", "water & ice"], COLOURS))
    (tmp_path / "map.tif.aux.xml").rename(tmp_path / "elsewhere.xml")
    with rasterio.open(tmp_path / "map.tif") as result:
        assert result.colormap(1)[1] == (51, 119, 187, 255)
        assert result.tags(1)["CLASS_1"] == "water & ice"
        assert result.descriptions == ("class",)
        assert result.tags()["TIFFTAG_SOFTWARE"].startswith("Isthmus ")


def test_gdal_finds_the_category_names_from_which_a_legend_is_made(tmp_path):
    source = image(tmp_path / "a.tif", np.ones((1, 4, 6), np.uint8))
    write_map(tmp_path / "map.tif", classes(), read_frame(source), class_legend(["land", "water & ice"], COLOURS))
    copy_raster(str(tmp_path / "map.tif"), str(tmp_path / "map.vrt"), driver="VRT")
    text = (tmp_path / "map.vrt").read_text()
    assert "<Category>land</Category>" in text
    assert "<Category>water &amp; ice</Category>" in text


@pytest.mark.parametrize("nodata", [float("nan"), -9999.0])
def test_pixels_without_data_become_nodata(tmp_path, nodata):
    bands = np.ones((2, 4, 6), np.float32)
    bands[:, 0, 0] = nodata
    bands[0, 1, 1] = nodata
    source = image(tmp_path / "a.tif", bands, nodata=nodata)
    write_map(tmp_path / "map.tif", classes(), read_frame(source), class_legend(["land", "water"]))
    with rasterio.open(tmp_path / "map.tif") as result:
        assert np.argwhere(result.read(1) == 255).tolist() == [[0, 0], [1, 1]]


def test_a_band_that_the_model_does_not_see_decides_nothing(tmp_path):
    bands = np.ones((3, 4, 6), np.float32)
    bands[2] = np.nan
    source = image(tmp_path / "a.tif", bands)
    assert read_frame(source, [0, 1]).missing is None
    assert read_frame(source, [0, 2]).missing.all()


def test_nan_counts_as_missing_without_being_declared_and_beside_another_nodata(tmp_path):
    bands = np.ones((1, 4, 6), np.float32)
    bands[0, 2, 3], bands[0, 0, 0] = np.nan, -1
    missing = read_frame(image(tmp_path / "a.tif", bands, nodata=-1)).missing
    assert np.argwhere(missing).tolist() == [[0, 0], [2, 3]]


def test_one_complete_time_step_is_enough(tmp_path):
    steps = np.ones((4, 4, 6), np.float32)  # band 0 at times 0 and 1, then band 1
    steps[0, 0, 0] = np.nan  # the first date lacks a band here
    steps[[0, 1], 1, 1] = np.nan  # and here both do
    steps[[0, 3], 2, 2] = np.nan
    missing = read_frame(image(tmp_path / "a.tif", steps), [0, 1, 2, 3], time_steps=2).missing
    assert np.argwhere(missing).tolist() == [[1, 1], [2, 2]]


def test_an_image_of_integers_without_nodata_is_not_read_again(tmp_path, monkeypatch):
    source = image(tmp_path / "a.tif", np.ones((1, 4, 6), np.uint8))
    monkeypatch.setattr("isthmus.rasters.frame.pixels_of", lambda *_: pytest.fail("read"))
    assert read_frame(source).missing is None


def test_scores_are_float_with_nan_for_nodata(tmp_path):
    bands = np.ones((1, 4, 6), np.int16)
    bands[0, 0, 0] = -1
    source = image(tmp_path / "a.tif", bands, nodata=-1)
    scores = np.random.default_rng(0).random((2, 4, 6))
    write_map(tmp_path / "p.tif", scores, read_frame(source), value_legend(["land", "water"]))
    with rasterio.open(tmp_path / "p.tif") as result:
        assert result.dtypes == ("float32", "float32")
        assert np.isnan(result.nodata)
        assert result.descriptions == ("land", "water")
        written = result.read()
    assert np.isnan(written[:, 0, 0]).all()
    assert np.array_equal(written[:, 1:], scores[:, 1:].astype(np.float32))


def test_many_classes_take_a_larger_type(tmp_path):
    assert class_dtype(255) == ("uint8", 255)
    assert class_dtype(256) == ("uint16", 65535)
    assert class_dtype(70_000) == ("uint32", 4294967295)
    source = image(tmp_path / "a.tif", np.ones((1, 4, 6), np.uint8))
    values = classes() * 299
    names = [str(index) for index in range(300)]
    write_map(tmp_path / "map.tif", values, read_frame(source), class_legend(names, [(1, 2, 3)] * 300))
    with rasterio.open(tmp_path / "map.tif") as result:
        assert result.dtypes == ("uint16",)
        assert (result.read(1) == values).all()
        assert result.colormap(1)[299] == (1, 2, 3, 255)


def test_a_large_map_is_tiled(tmp_path):
    source = image(tmp_path / "a.tif", np.ones((1, 8, 1500), np.uint8))
    write_map(tmp_path / "map.tif", np.zeros((8, 1500), int), read_frame(source), class_legend(["land", "water"]))
    with rasterio.open(tmp_path / "map.tif") as result:
        assert result.block_shapes == [(256, 256)]


def test_a_prediction_of_another_size_is_an_error_that_names_both(tmp_path):
    source = image(tmp_path / "a.tif", np.ones((1, 4, 6), np.uint8))
    with pytest.raises(RasterError, match=r"a\.tif has 6 x 4 pixels .* but the image has 4 x 6"):
        write_map(tmp_path / "map.tif", classes(6, 4), read_frame(source), class_legend(["land", "water"]))
    assert not list(tmp_path.glob("map*"))


def test_a_value_that_is_no_class_is_an_error(tmp_path):
    source = image(tmp_path / "a.tif", np.ones((1, 4, 6), np.uint8))
    with pytest.raises(RasterError, match="0 to 2; there are the classes 0 to 1"):
        write_map(tmp_path / "map.tif", classes() * 2, read_frame(source), class_legend(["land", "water"]))


def test_a_failed_write_leaves_the_old_map_and_nothing_else(tmp_path, monkeypatch):
    source = image(tmp_path / "a.tif", np.ones((1, 4, 6), np.uint8))
    frame = read_frame(source)
    write_map(tmp_path / "map.tif", classes(), frame, class_legend(["land", "water"]))
    before = (tmp_path / "map.tif").read_bytes()
    monkeypatch.setattr("isthmus.atomic.os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(RasterError, match="No space left"):
        write_map(tmp_path / "map.tif", 1 - classes(), frame, class_legend(["land", "water"]))
    assert (tmp_path / "map.tif").read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.tif", "map.tif", "map.tif.aux.xml"]


def test_an_image_that_is_not_there(tmp_path):
    with pytest.raises(RasterError, match="does not exist"):
        read_frame(tmp_path / "nothing.tif")
