import numpy as np
import pytest
import yaml
from drawn_chips import write_chips, write_raster
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from isthmus.datasets.labels import SegmentationSource
from isthmus.datasets.preprocessing import fit_preprocessing, read_values
from isthmus.errors import ArgumentError, DataError
from isthmus.statistics import BandMoments, statistics_from_config

SEGMENTATION = "GenericNonGeoSegmentationDataModule"
FLOATS = st.floats(-1e6, 1e6, width=32) | st.just(np.nan)


@given(st.lists(arrays.arrays("float32", (2, 3, 4), elements=FLOATS), min_size=1, max_size=5))
def test_moments_are_those_of_all_pixels_together(images):
    moments = BandMoments(2)
    for image in images:
        moments.add(image)
    pixels = np.concatenate([image.reshape(2, -1) for image in images], axis=1).astype("float64")
    for band in range(2):
        known = pixels[band][~np.isnan(pixels[band])]
        assert moments.count[band] == known.size
        if known.size:
            np.testing.assert_allclose(moments.mean[band], known.mean(), rtol=1e-9, atol=1e-6)
            np.testing.assert_allclose(moments.std[band], known.std(), rtol=1e-7, atol=1e-4)
            assert (moments.minimum[band], moments.maximum[band]) == (known.min(), known.max())


def test_a_large_offset_costs_no_digits():
    moments = BandMoments(1)
    pixels = np.random.default_rng(0).normal(0, 1, (40, 1, 50)) + 1e7
    for image in pixels:
        moments.add(image)
    np.testing.assert_allclose(moments.std[0], pixels.std(), rtol=1e-9)


@pytest.fixture
def drawn(tmp_path):
    write_raster(
        tmp_path / "i/a.tif", np.stack([np.full((2, 4), 10), np.arange(8).reshape(2, 4)]).astype("int16"), nodata=0
    )
    write_raster(tmp_path / "i/b.tif", np.stack([np.full((2, 4), 30), np.zeros((2, 4))]).astype("int16"), nodata=0)
    write_raster(tmp_path / "l/a.tif", np.array([[0, 0, 0, 0], [0, 1, 255, 255]], "uint8"))
    write_raster(tmp_path / "l/b.tif", np.array([[0, 0, 0, 0], [0, 0, 0, 1]], "uint8"))
    return {
        "train_data_root": tmp_path / "i",
        "train_label_data_root": tmp_path / "l",
        "num_classes": 3,
        "ignore_index": 255,
        "constant_scale": 0.5,
        "dataset_bands": ["RED", "NIR"],
        "class_names": ["land", "water", "cloud"],
    }


def test_statistics_of_a_data_set(drawn):
    stats = statistics_from_config(SEGMENTATION, drawn)
    assert stats.samples == 2
    np.testing.assert_allclose(stats.means, [10, 2])
    np.testing.assert_allclose(stats.stds, [5, 1])  # of 1 to 7, halved; 0 is nodata
    assert stats.valid == (16, 7)
    assert (stats.minimums, stats.maximums) == ((5, 0.5), (15, 3.5))
    assert stats.class_counts == (12, 2, 0)
    assert stats.ignored == 2
    np.testing.assert_allclose(stats.class_percentages, [1200 / 14, 200 / 14, 0])
    np.testing.assert_allclose(stats.class_weights, [14 / 24, 14 / 4, 0])
    assert "classes" not in statistics_from_config(SEGMENTATION, {**drawn, "num_classes": None}).to_dict()


def test_a_file_of_statistics_gives_means_and_stds(drawn, tmp_path):
    path = tmp_path / "new/stats.yaml"
    stats = statistics_from_config(SEGMENTATION, drawn)
    stats.write(path)
    assert [entry.name for entry in path.parent.iterdir()] == ["stats.yaml"]
    assert yaml.safe_load(path.read_text())["classes"][1] == {
        "name": "water",
        "pixels": 2,
        "percent": 14.2857,
        "weight": 3.5,
    }
    source = SegmentationSource.from_arguments(drawn)
    from_file = numbers(source, str(path), path)
    assert from_file == numbers(source, "compute", "compute") == (stats.means, stats.stds)
    (tmp_path / "m.txt").write_text("10.0\n2, \n")
    assert numbers(source, tmp_path / "m.txt", [5, 1]) == ((10, 2), (5, 1))


def numbers(source, means, stds):
    scaling = fit_preprocessing(source, means, stds).modalities["image"]
    return scaling.means, scaling.stds


@pytest.mark.parametrize(
    ("means", "stds", "said"),
    [
        ([1.0, 2.0], None, "means is given without stds"),
        ([1.0], [1.0, 2.0], r"means has 1 value\(s\), but an image has 2 band"),
        ("nowhere.txt", [1.0, 2.0], "'nowhere.txt', which is no file"),
    ],
)
def test_what_means_and_stds_cannot_be(drawn, means, stds, said):
    with pytest.raises(ArgumentError, match=said):
        fit_preprocessing(SegmentationSource.from_arguments(drawn), means, stds)


@pytest.mark.parametrize(
    ("name", "text"), [("a.txt", "1 two"), ("a.yaml", "stds: [1]"), ("a.yaml", "- 1"), ("a.yml", "[")]
)
def test_files_without_numbers(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(ArgumentError, match="does not hold a list of numbers for 'means'"):
        read_values(tmp_path / name, "means")


def test_a_band_without_a_pixel_has_no_mean(tmp_path):
    roots = write_chips(tmp_path, count=1)
    write_raster(
        tmp_path / "images/chip_0.tif", np.stack([np.ones((8, 8)), np.zeros((8, 8))]).astype("uint8"), nodata=0
    )
    with pytest.raises(DataError, match="no image has a valid pixel in band 1"):
        statistics_from_config(SEGMENTATION, roots)


@pytest.mark.real
def test_the_flood_chips(shared):
    root = shared / "data/hls_flood"
    stats = statistics_from_config(
        SEGMENTATION,
        {
            "train_data_root": root / "images",
            "train_label_data_root": root / "masks",
            "train_split": root / "splits.csv",
            "dataset_bands": list(range(12)),
            "output_bands": [[0, 6]],
            "num_classes": 2,
        },
    )
    assert stats.samples == 195
    np.testing.assert_allclose(stats.means, [409.5, 506.1, 838.0, 984.6, 2098.0, 1935.5, 1335.8], atol=0.06)
    np.testing.assert_allclose(stats.stds, [309.8, 373.5, 465.6, 602.0, 1053.8, 1169.2, 951.7], atol=0.06)
    assert stats.class_percentages[1] == pytest.approx(25.4, abs=0.1)
