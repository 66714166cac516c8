import logging

import numpy as np
import pytest
import rasterio
from drawn_chips import write_raster
from rasterio.transform import Affine

from isthmus.errors import BandError, RasterError
from isthmus.rasters.header import read_info
from isthmus.rasters.read import read_bands


@pytest.mark.parametrize("interleave", ["band", "pixel"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float32", "float64"])
def test_bands_come_in_the_order_asked_for(tmp_path, interleave, dtype):
    pixels = np.arange(4 * 5 * 6).reshape(4, 5, 6).astype(dtype)
    path = write_raster(tmp_path / "a.tif", pixels, interleave=interleave)
    read = read_bands(path, [2, 0])
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, pixels[[2, 0]].astype("float32"))
    np.testing.assert_array_equal(read_bands(path), pixels.astype("float32"))


@pytest.mark.parametrize(
    ("dtype", "nodata"), [("int16", -9999), ("uint8", 0), ("float32", -3.4e38), ("float32", np.nan), ("float64", 0.1)]
)
def test_nodata_becomes_nan(tmp_path, dtype, nodata):
    pixels = np.full((2, 3, 3), 7, dtype=dtype)
    pixels[0, 0, 0] = pixels[1, 2, 2] = nodata
    read = read_bands(write_raster(tmp_path / "a.tif", pixels, nodata=nodata))
    expected = np.full((2, 3, 3), 7, dtype="float32")
    expected[0, 0, 0] = expected[1, 2, 2] = np.nan
    np.testing.assert_array_equal(read, expected)


def test_a_mask_beside_the_pixels_counts(tmp_path):
    path = write_raster(tmp_path / "a.tif", np.full((2, 4, 4), 9, dtype="uint8"), transform=Affine.scale(2.0))
    valid = np.full((4, 4), 255, dtype="uint8")
    valid[1, 2] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as file:
        file.write_mask(valid)
    assert path.with_suffix(".tif.msk").exists()  # sidecar files are seen
    np.testing.assert_array_equal(np.isnan(read_bands(path)), np.broadcast_to(valid == 0, (2, 4, 4)))


def test_a_band_that_is_not_there(tmp_path):
    path = write_raster(tmp_path / "a.tif", np.zeros((3, 2, 2), dtype="uint8"))
    with pytest.raises(BandError, match=r"a\.tif has 3 band\(s\), counted from 0; there is no band 3, 7"):
        read_bands(path, [0, 3, 7])


def make_bad_file(folder, kind):
    path = folder / "bad.tif"
    whole = write_raster(folder / "whole.tif", np.random.default_rng(0).integers(0, 99, (3, 64, 64)).astype("int16"))
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("not a raster")
    elif kind == "truncated":
        path.write_bytes(whole.read_bytes()[:9000])
    elif kind == "link":
        path.symlink_to(folder / "gone.tif")
    elif kind == "folder":
        path.mkdir()
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("empty", r"is empty \(0 bytes\)"),
        ("text", "cannot be read as a raster"),
        ("truncated", "truncated"),
        ("link", r"symbolic link to .*gone\.tif"),
        ("folder", "is a folder"),
        ("absent", "does not exist"),
    ],
)
@pytest.mark.parametrize("read", [read_bands, read_info, lambda path: read_info(path, georeference=False)])
def test_bad_files_are_named(tmp_path, kind, said, read):
    with pytest.raises(RasterError, match=said) as caught:
        read(make_bad_file(tmp_path, kind))
    assert "bad.tif" in str(caught.value)


def test_a_compressed_file_cut_short_is_told_from_its_header(tmp_path):
    whole = write_raster(
        tmp_path / "w.tif", np.random.default_rng(0).integers(0, 9999, (3, 64, 64)).astype("int16"), compress="deflate"
    )
    read_info(whole)
    whole.write_bytes(whole.read_bytes()[:-10])
    with pytest.raises(RasterError, match=r"w\.tif is truncated"):
        read_info(whole)


def test_a_header(tmp_path):
    place = Affine(10.0, 0.0, 500000.0, 0.0, -10.0, 4000000.0)
    path = write_raster(
        tmp_path / "a.tif", np.zeros((3, 4, 5), dtype="int16"), nodata=-1, crs="EPSG:32633", transform=place
    )
    info = read_info(path)
    assert (info.count, info.height, info.width, info.dtype, info.nodata) == (3, 4, 5, "int16", -1)
    assert info.crs.to_epsg() == 32633
    assert info.transform == place
    quick = read_info(path, georeference=False)
    assert (quick.count, quick.crs, quick.transform) == (3, None, None)


def test_no_georeference_is_no_warning_and_no_transform(tmp_path):
    info = read_info(write_raster(tmp_path / "a.tif", np.zeros((1, 4, 4), dtype="uint8")))
    assert info.crs is None
    assert info.transform is None


def test_reading_leaves_gdal_settings_and_logging_alone(tmp_path, caplog):
    path = write_raster(tmp_path / "a.tif", np.zeros((1, 4, 4), dtype="uint8"))
    with rasterio.Env(AWS_REGION="here", GDAL_DISABLE_READDIR_ON_OPEN="FALSE"):
        before = dict(rasterio.env.getenv())
        read_bands(path)
        assert rasterio.env.getenv() == before
    assert not rasterio.env.hasenv()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
