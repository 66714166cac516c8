import numpy as np
import pytest
import torch
from drawn_chips import write_raster, write_value_chips
from torchvision.transforms import v2

from isthmus.datamodules import GenericNonGeoPixelwiseRegressionDataModule
from isthmus.datasets import GenericNonGeoPixelwiseRegressionDataset
from isthmus.datasets.quantities import RegressionSource
from isthmus.errors import ArgumentError, BandError, DataError, PairingError


def datamodule(folder, **changes):
    arguments = {"batch_size": 2, "num_workers": 0, **write_value_chips(folder)}
    return GenericNonGeoPixelwiseRegressionDataModule(**{**arguments, **changes})


def one_file(folder, **changes):
    """Images that hold their labels in the last of three bands."""
    roots = {name: value for name, value in write_value_chips(folder).items() if "label" not in name}
    bands = {"dataset_bands": ["A", "B", "C"], "output_bands": ["A", "B"], "label_bands": [2]}
    return {"batch_size": 2, "num_workers": 0, "img_grep": "*.tif", "label_grep": "*.tif", **roots, **bands, **changes}


def first(data, stage="validate"):
    data.setup(stage)
    return next(iter(getattr(data, {"fit": "train", "validate": "val"}.get(stage, stage) + "_dataloader")()))


def test_the_first_band_is_the_quantity_unless_others_are_named(tmp_path):
    batch = first(datamodule(tmp_path))
    assert batch["mask"].shape == (2, 8, 8)
    assert batch["mask"].dtype == torch.float32
    assert batch["mask"][:, 0, 0].isnan().all()
    assert batch["mask"].isnan().sum() == 2
    known = ~batch["mask"].isnan()
    torch.testing.assert_close(batch["mask"][known], batch["image"][:, 0][known] / 10)
    both = first(datamodule(tmp_path, label_bands=[1, 0]))["mask"]
    assert both.shape == (2, 2, 8, 8)
    assert both[0, 0, :, 3].tolist() == list(range(8))
    torch.testing.assert_close(both[:, 1], batch["mask"], equal_nan=True)


def test_what_has_no_label_is_replaced_where_that_is_asked_for(tmp_path):
    mask = first(datamodule(tmp_path, no_label_replace=-1.0, label_bands=[1], ignore_index=3.0))["mask"]
    assert (mask[:, 3] == -1).all()
    assert (mask[:, 4] == 4).all()
    infinite = np.full((8, 8), np.inf, "float32")
    infinite[0] = 7
    write_raster(tmp_path / "labels/chip_0.tif", infinite)
    values = datamodule(tmp_path)
    write_raster(tmp_path / "labels/chip_0.tif", infinite)
    mask = first(values)["mask"][0]
    assert mask[1:].isnan().all()
    assert (mask[0] == 7).all()


def test_labels_may_be_bands_of_the_images(tmp_path):
    data = GenericNonGeoPixelwiseRegressionDataModule(**one_file(tmp_path))
    batch = first(data)
    assert batch["image"].shape == (2, 2, 8, 8)
    whole = GenericNonGeoPixelwiseRegressionDataModule(**one_file(tmp_path, label_bands=[0], output_bands=["C"]))
    torch.testing.assert_close(first(whole)["image"][:, 0], batch["mask"])
    assert RegressionSource.check(one_file(tmp_path)) == []


@pytest.mark.parametrize(
    "changes", [{"output_bands": ["A", "C"]}, {"output_bands": None}, {"dataset_bands": None, "output_bands": None}]
)
def test_a_label_is_never_shown_to_the_model(tmp_path, changes):
    arguments = one_file(tmp_path, **changes)
    with pytest.raises(ArgumentError, match=r"own labels, in band 2 \(label_bands\)"):
        GenericNonGeoPixelwiseRegressionDataModule(**arguments).setup("fit")
    assert {fault.key for fault in RegressionSource.check(arguments)} == {"output_bands"}


def test_images_are_no_labels_unless_it_is_said_in_which_band(tmp_path):
    with pytest.raises(PairingError, match="would be its own label"):
        GenericNonGeoPixelwiseRegressionDataModule(**one_file(tmp_path, label_bands=None)).setup("fit")


@pytest.mark.parametrize("bands", [[], [0, 0], [-1]])
def test_label_bands_that_cannot_be(tmp_path, bands):
    with pytest.raises(ArgumentError) as caught:
        datamodule(tmp_path, label_bands=bands)
    assert caught.value.argument == "label_bands"


def test_a_label_without_the_band_and_one_of_another_size(tmp_path):
    arguments = write_value_chips(tmp_path)
    faults = RegressionSource.check({**arguments, "label_bands": [2]})
    assert "there is no band 2" in faults[0].message
    with pytest.raises(BandError):
        first(datamodule(tmp_path, label_bands=[2]))
    data = datamodule(tmp_path, label_bands=[0, 1])
    write_raster(tmp_path / "labels/chip_0.tif", np.zeros((2, 4, 8), "float32"))
    with pytest.raises(DataError, match=r"its label .* is 4 x 8"):
        data.setup("fit")


def test_what_a_transform_leaves_empty_has_no_label(tmp_path):
    turned = v2.RandomAffine(degrees=(45, 45))
    batch = first(datamodule(tmp_path, label_bands=[1], val_transform=[turned]))
    assert batch["mask"][:, 0, 0].isnan().all()
    assert not batch["mask"][:, 4, 4].isnan().any()


def test_the_dataset_alone_and_its_picture(tmp_path):
    roots = write_value_chips(tmp_path)
    folders = {"data_root": roots["train_data_root"], "label_data_root": roots["train_label_data_root"]}
    data = GenericNonGeoPixelwiseRegressionDataset(**folders, label_bands=[0, 1], constant_scale=0.1)
    sample = data[1]
    assert (len(data), sample["mask"].shape) == (4, (2, 8, 8))
    assert data.segmentation_mask_files[1] == str(tmp_path / "labels/chip_1.tif")
    figure = data.plot({**sample, "prediction": sample["mask"]}, "two maps")
    image, mask, prediction = (axis for axis in figure.axes if axis.get_title())
    assert [axis.get_title() for axis in (image, mask, prediction)] == ["image", "mask", "prediction"]
    assert mask.images[0].get_clim() == prediction.images[0].get_clim()
    assert "mask" not in GenericNonGeoPixelwiseRegressionDataset(roots["train_data_root"], stage="predict")[0]
