import warnings

import numpy as np
import pytest
import torch
from drawn_chips import write_chips, write_raster
from torchvision.transforms import v2

from isthmus.datasets import GenericNonGeoSegmentationDataset
from isthmus.errors import ArgumentError, BandError, DataError, LabelError, RasterError


def one_chip(folder, image, label=None, **profile):
    """A data set of one chip; returns its arguments."""
    write_raster(folder / "i/a.tif", image, **profile)
    write_raster(folder / "l/a.tif", np.zeros(np.asarray(image).shape[-2:], "uint8") if label is None else label)
    return {"data_root": folder / "i", "label_data_root": folder / "l"}


def test_a_sample(tmp_path):
    roots = write_chips(tmp_path, bands=4)
    data = GenericNonGeoSegmentationDataset(
        roots["train_data_root"],
        2,
        roots["train_label_data_root"],
        dataset_bands=["BLUE", "GREEN", "RED", "NIR_NARROW"],
        output_bands=["NIR_NARROW", "BLUE"],
        constant_scale=0.001,
    )
    sample = data[2]
    assert len(data) == 4
    assert sample["image"].dtype == torch.float32
    assert sample["mask"].dtype == torch.int64
    assert sample["filename"] == data.image_files[2] == str(tmp_path / "images/chip_2.tif")
    import rasterio

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(sample["filename"]) as image, rasterio.open(data.segmentation_mask_files[2]) as label:
            torch.testing.assert_close(
                sample["image"].numpy(), image.read([4, 1]).astype("float32") * np.float32(0.001)
            )
            np.testing.assert_array_equal(sample["mask"].numpy(), label.read(1))
    assert data.filter_indices == [3, 0]


@pytest.mark.parametrize("channel_major", [False, True])
def test_time_steps(tmp_path, channel_major):  # pitfall S7
    values = np.array([[11, 12, 13], [21, 22, 23]])  # time by band
    flat = (values.T if channel_major else values).reshape(-1)
    image = np.broadcast_to(flat[:, None, None], (6, 4, 4)).astype("int16")
    data = GenericNonGeoSegmentationDataset(
        **one_chip(tmp_path, image),
        num_classes=1,
        dataset_bands=["B", "G", "R"],
        output_bands=["R", "B"],
        expand_temporal_dimension=True,
        temporal_channel_major=channel_major,
    )
    assert data[0]["image"].shape == (2, 2, 4, 4)
    assert data[0]["image"][:, :, 0, 0].tolist() == [[13, 23], [11, 21]]


def float_image(*missing):
    image = np.full((2, 3, 3), 5, dtype="float32")
    for value, place in zip(missing, [(0, 0, 0), (1, 2, 2), (0, 1, 1)], strict=False):
        image[place] = value
    return image


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -9999.0])
def test_missing_values_are_replaced_or_refused(tmp_path, value):
    arguments = one_chip(tmp_path, float_image(value, value), nodata=-9999)
    with pytest.raises(DataError, match=r"i/a\.tif has 2 missing value\(s\).*no_data_replace"):
        GenericNonGeoSegmentationDataset(**arguments, num_classes=1)[0]
    filled = GenericNonGeoSegmentationDataset(**arguments, num_classes=1, no_data_replace=7, constant_scale=2)[0][
        "image"
    ]
    assert filled[0, 0, 0] == filled[1, 2, 2] == 14
    assert (filled == 10).sum() == 16


def labels_of(folder, label, num_classes=3, nodata=None, **arguments):
    label = np.asarray(label)
    write_raster(folder / "i/a.tif", np.zeros((1, *label.shape), "uint8"))
    write_raster(folder / "l/a.tif", label, nodata=nodata)
    data = GenericNonGeoSegmentationDataset(folder / "i", num_classes, folder / "l", **arguments)
    return data[0]["mask"].tolist()


@pytest.mark.parametrize(
    ("label", "nodata", "arguments", "expected"),
    [
        ([[0, 1, 2, 2]], None, {}, [0, 1, 2, 2]),
        ([[0, 1, 2, 255]], 255, {"no_label_replace": -1}, [0, 1, 2, -1]),
        ([[0, 1, 2, 255]], 255, {"ignore_index": 255}, [0, 1, 2, 255]),
        ([[0, 1, 2, 255]], None, {"ignore_index": 255}, [0, 1, 2, 255]),
        ([[0, 1, 2, 255]], None, {"no_label_replace": 255}, [0, 1, 2, 255]),
        ([[1, 2, 3, 255]], 255, {"no_label_replace": -1, "reduce_zero_label": True}, [0, 1, 2, -1]),  # pitfall S5
        ([[0, 1, 3, 255]], 255, {"no_label_replace": -100, "reduce_zero_label": True}, [-100, 0, 2, -100]),
        ([[0, 1, 3, 3]], None, {"reduce_zero_label": True}, [-1, 0, 2, 2]),
        ([[0, 1, 255, 3]], None, {"ignore_index": 255, "reduce_zero_label": True}, [255, 0, 255, 2]),
    ],
)
def test_labels(tmp_path, label, nodata, arguments, expected):
    assert labels_of(tmp_path, np.array(label, "uint8"), nodata=nodata, **arguments) == [expected]


def test_nan_in_a_label(tmp_path):  # pitfall S6
    label = np.array([[0, 1, np.nan, 2]], "float32")
    assert labels_of(tmp_path, label, no_label_replace=-1) == [[0, 1, -1, 2]]
    with pytest.raises(LabelError, match=r"l/a\.tif has 1 pixel\(s\) without a label.*no_label_replace"):
        labels_of(tmp_path, label)


@pytest.mark.parametrize(
    ("label", "arguments", "said"),
    [
        ([[0, 1, 5, 5]], {}, r"l/a\.tif has 2 pixel\(s\) with the label 5; with num_classes 3 labels are 0 to 2"),
        ([[0, 1, 5, 9]], {"ignore_index": 9}, r"1 pixel\(s\) with the label 5; .* or 9 for pixels to ignore"),
        ([[4, 1, 2, 2]], {"reduce_zero_label": True}, r"with the label 3 after reduce_zero_label"),
        ([[0, 255, 1, 1]], {}, "must be named, as no_label_replace or ignore_index"),
    ],
)
def test_a_label_outside_the_classes(tmp_path, label, arguments, said):
    with pytest.raises(LabelError, match=said):
        labels_of(tmp_path, np.array(label, "uint8"), **arguments)


def test_a_label_that_is_no_whole_number(tmp_path):
    with pytest.raises(LabelError, match=r"1 pixel\(s\) with a label that is not a whole number, such as 0\.5"):
        labels_of(tmp_path, np.array([[0, 0.5]], "float32"))


def test_an_image_and_a_label_of_different_sizes(tmp_path):
    arguments = one_chip(tmp_path, np.zeros((1, 4, 6), "uint8"), np.zeros((4, 5), "uint8"))
    with pytest.raises(DataError, match=r"i/a\.tif is 4 x 6 pixels .*l/a\.tif is 4 x 5"):
        _read(arguments)


def _read(arguments):
    return GenericNonGeoSegmentationDataset(**arguments, num_classes=1)[0]


def test_a_truncated_image_and_wrong_bands(tmp_path):
    arguments = one_chip(tmp_path, np.zeros((3, 64, 64), "int16"))
    with pytest.raises(BandError, match=r"a\.tif has 3 band\(s\), but dataset_bands names 2"):
        GenericNonGeoSegmentationDataset(**arguments, num_classes=1, dataset_bands=["A", "B"])[0]
    path = tmp_path / "i/a.tif"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(RasterError, match=r"a\.tif"):
        _read(arguments)


def test_a_band_interleaved_float_file_keeps_its_axes(tmp_path):  # pitfall C18
    image = np.arange(3 * 4 * 5, dtype="float32").reshape(3, 4, 5)
    arguments = one_chip(tmp_path, image, interleave="band")
    np.testing.assert_array_equal(_read(arguments)["image"].numpy(), image)


def test_prediction_has_no_labels(tmp_path):
    roots = write_chips(tmp_path)
    sample = GenericNonGeoSegmentationDataset(roots["train_data_root"], 2, stage="predict")[0]
    assert sorted(sample) == ["filename", "image"]


def test_transforms_keep_image_and_label_together(tmp_path):
    image = np.arange(64, dtype="int16").reshape(1, 8, 8)
    arguments = one_chip(tmp_path, image, np.arange(64, dtype="uint8").reshape(8, 8))
    data = GenericNonGeoSegmentationDataset(**arguments, num_classes=64, transform=v2.RandomCrop(3))
    for _ in range(5):
        sample = data[0]
        assert sample["image"].shape == (1, 3, 3)
        np.testing.assert_array_equal(sample["image"][0].numpy(), sample["mask"].numpy())
        assert type(sample["image"]) is type(sample["mask"]) is torch.Tensor


def test_class_names_are_as_many_as_classes(tmp_path):
    roots = write_chips(tmp_path)
    with pytest.raises(ArgumentError, match=r"class_names has 1 name\(s\), but num_classes is 2"):
        GenericNonGeoSegmentationDataset(
            roots["train_data_root"], 2, roots["train_label_data_root"], class_names=["water"]
        )


def test_constructing_changes_nothing_for_the_process(tmp_path, monkeypatch):  # pitfalls X2, X5
    import os

    arguments = one_chip(tmp_path, np.zeros((1, 4, 4), "uint8"))
    environment, filters = dict(os.environ), list(warnings.filters)
    _read(arguments)
    assert dict(os.environ) == environment
    assert warnings.filters == filters


def test_a_picture(tmp_path):
    roots = write_chips(tmp_path, bands=4)
    data = GenericNonGeoSegmentationDataset(
        roots["train_data_root"], 2, roots["train_label_data_root"], class_names=["dry", "wet"]
    )
    sample = data[0]
    figure = data.plot({**sample, "prediction": sample["mask"]}, suptitle="chip")
    assert [axis.get_title() for axis in figure.axes] == ["image", "mask", "prediction"]
    figure.savefig(tmp_path / "chip.png")
    assert data.plot({"image": torch.zeros(3, 2, 4, 4)}) is None
