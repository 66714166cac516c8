"""Preprocessing is fitted once, and what a model was trained with wins over what the data would say."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from drawn_chips import write_chips, write_raster

from isthmus.datamodules import GenericNonGeoSegmentationDataModule
from isthmus.datamodules.images import ImageDataModule
from isthmus.datasets.bands import select_bands
from isthmus.datasets.pairing import Sample
from isthmus.datasets.readers import ImageReader
from isthmus.datasets.source import ImageSource
from isthmus.errors import ArgumentError
from isthmus.specs import BandScaling, Preprocessing

BANDS = ("BLUE", "GREEN", "RED")


def datamodule(folder, **changes):
    arguments = {"batch_size": 2, "num_workers": 0, "num_classes": 2, **write_chips(folder), "dataset_bands": BANDS}
    arguments = {**arguments, "dataset_bands": list(BANDS), **changes}
    return GenericNonGeoSegmentationDataModule(**arguments)


def trained(**changes):
    scaling = {"bands": BANDS, "scale": 0.5, "means": (1.0, 2.0, 3.0), "stds": (1.0, 1.0, 2.0), "fill": (1.0, 2.0, 3.0)}
    return Preprocessing({"image": BandScaling(**{**scaling, **changes})})


@pytest.fixture
def pixels_read(monkeypatch):
    """The files whose pixels were read as images, in order."""
    seen = []
    read = ImageReader.read

    def counted(self, path):
        seen.append(path)
        return read(self, path)

    monkeypatch.setattr(ImageReader, "read", counted)
    return seen


def test_statistics_are_computed_once_for_all_stages(tmp_path, pixels_read):
    data = datamodule(tmp_path, means="compute", stds="compute", predict_data_root=str(tmp_path / "images"))
    assert data.preprocessing is None
    for stage in ("fit", "validate", "test", "predict"):
        data.setup(stage)
    assert len(pixels_read) == 4  # each image to train on, once
    scaling = data.preprocessing.modalities["image"]
    pixels = np.stack([data.train_dataset[index]["image"].numpy() for index in range(4)]).astype("float64")
    np.testing.assert_allclose(scaling.means, pixels.mean((0, 2, 3)))
    np.testing.assert_allclose(scaling.stds, pixels.std((0, 2, 3)))
    assert (scaling.bands, scaling.scale, scaling.fill) == (BANDS, 1.0, scaling.means)


def test_what_is_given_is_what_is_applied(tmp_path):
    data = datamodule(tmp_path, means=[1, 2, 3], stds=[1, 1, 2], constant_scale=0.5, no_data_replace=8)
    data.setup("fit")
    assert data.preprocessing == trained(fill=4.0)
    plain = datamodule(tmp_path)
    plain.setup("fit")
    assert plain.preprocessing == Preprocessing({"image": BandScaling(bands=BANDS)})
    batch = next(iter(plain.train_dataloader()))
    assert plain.aug(batch) is batch


def test_a_model_brings_its_own_and_the_training_folder_may_be_gone(tmp_path, pixels_read):
    folder = {"predict_data_root": str(tmp_path / "images"), "train_data_root": str(tmp_path / "gone")}
    data = datamodule(tmp_path, means="compute", stds="compute", **folder)
    data.preprocessing = trained()
    data.setup("predict")
    assert not pixels_read
    assert data.preprocessing == trained()
    raw = write_raster(tmp_path / "images/chip_0.tif", np.full((3, 8, 8), 12, "int16"))
    batch = data.on_after_batch_transfer(next(iter(data.predict_dataloader())), 0)
    assert batch["filename"][0] == str(raw)
    assert batch["image"][0, :, 0, 0].tolist() == [5, 4, 1.5]


def test_datasets_that_stand_already_follow(tmp_path):
    data = datamodule(tmp_path)
    data.setup("test")
    before = next(iter(data.test_dataloader()))["image"]
    data.preprocessing = trained(means=None, stds=None)
    torch.testing.assert_close(next(iter(data.test_dataloader()))["image"], before * 0.5)


def test_missing_values_take_the_fill_of_the_model(tmp_path):
    for given, filled in (({}, 20), ({"no_data_replace": 40.0}, 20), ({"no_data_replace": 6.0}, 3)):
        data = datamodule(tmp_path, **given)
        image = np.full((3, 8, 8), 2, dtype="float32")
        image[1, 2, 3] = np.nan
        write_raster(tmp_path / "images/chip_0.tif", image)
        data.preprocessing = trained(means=None, stds=None, fill=None if filled == 3 else 20.0)
        data.setup("test")
        assert data.test_dataset[0]["image"][1, 2, 3] == filled
        assert data.preprocessing.modalities["image"].fill == filled


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"means": [1, 2, 4], "stds": [1, 1, 2]}, "means", r"\[1.0, 2.0, 4.0\], .* trained with \[1.0, 2.0, 3.0\]"),
        ({"means": [1, 2, 3], "stds": [9, 1, 2]}, "stds", r"\[9.0, 1.0, 2.0\], .* trained with \[1.0, 1.0, 2.0\]"),
        ({"constant_scale": 1.0}, "constant_scale", "is 1, but the model was trained with 0.5"),
        ({"no_data_replace": 0}, "no_data_replace", "is 0, which is 0 in an image, .* trained with"),
        ({"output_bands": ["RED", "GREEN", "BLUE"]}, "output_bands", r"\['RED', .* trained on \['BLUE', "),
        ({"output_bands": ["RED"]}, "output_bands", r"is \['RED'\], but the model was trained on \['BLUE', "),
        ({"dataset_bands": ["VV", "VH", "RED"]}, "dataset_bands", "'VV', .* there is no band BLUE, GREEN"),
    ],
)
def test_what_contradicts_the_model_names_both(tmp_path, changes, key, said):
    data = datamodule(tmp_path, **changes)
    data.preprocessing = trained()
    with pytest.raises(ArgumentError, match=f"{key} is .*{said}" if not said.startswith("is") else said) as caught:
        data.setup("test")
    assert caught.value.argument == key


def test_means_for_a_model_without_are_a_contradiction(tmp_path):
    data = datamodule(tmp_path, means=[1, 2, 3], stds=[1, 1, 1])
    data.preprocessing = trained(means=None, stds=None)
    with pytest.raises(ArgumentError, match=r"means is \[1.0, 2.0, 3.0\], but the model was trained with none"):
        data.setup("fit")


@pytest.mark.parametrize(
    ("bands", "places"),
    [
        ({"dataset_bands": ["RED", "GREEN", "BLUE"]}, [2, 1, 0]),
        ({"dataset_bands": list(BANDS), "output_bands": list(BANDS)}, [0, 1, 2]),
        ({"dataset_bands": None}, [0, 1, 2]),  # nothing is known but the number
        ({"predict_dataset_bands": ["GREEN", "RED", "BLUE"]}, [2, 0, 1]),
        ({"predict_dataset_bands": ["B4", "B3", "B2"], "predict_output_bands": ["B2", "B3", "B4"]}, [2, 1, 0]),
    ],
)
def test_bands_are_read_by_name(tmp_path, bands, places):
    data = datamodule(tmp_path, predict_data_root=str(tmp_path / "images"), **bands)
    write_raster(tmp_path / "images/chip_0.tif", np.stack([np.full((8, 8), 2 * n) for n in range(3)]).astype("int16"))
    data.preprocessing = trained(means=None, stds=None)
    data.setup("predict")
    assert data.predict_dataset[0]["image"][:, 0, 0].tolist() == places


def test_more_bands_than_a_model_takes_are_left_out(tmp_path):
    data = datamodule(tmp_path, dataset_bands=["NIR", "RED", "BLUE"])
    data.preprocessing = trained(bands=("BLUE", "NIR"), means=None, stds=None, fill=None)
    data.setup("test")
    assert data.test_dataset.filter_indices == [2, 0]


@dataclass(frozen=True, kw_only=True)
class TwoModalities(ImageSource):
    """Optical and radar images of the same names in two folders."""

    def samples(self, stage):
        folders = {"S2": self.root(stage) / "s2", "S1": self.root(stage) / "s1"}
        names = sorted(path.name for path in folders["S2"].iterdir())
        modalities = [{modality: folder / name for modality, folder in folders.items()} for name in names]
        return [Sample(files["S2"].stem, files["S2"], modalities=files) for files in modalities]

    def images(self, stage="train"):
        return {
            "S2": ImageReader(select_bands(["RED", "NIR"], ["NIR", "RED"]), self.constant_scale),
            "S1": ImageReader(select_bands(["VV"], None)),
        }


class TwoModalityDataModule(ImageDataModule):
    def __init__(self, batch_size, num_workers, **shared):
        super().__init__(batch_size, num_workers, **shared)
        self.read_from(TwoModalities.from_arguments(shared))


def test_preprocessing_by_modality(tmp_path):
    for index in range(4):
        write_raster(tmp_path / f"s2/{index}.tif", np.stack([np.full((6, 6), index), np.ones((6, 6))]).astype("int16"))
        write_raster(tmp_path / f"s1/{index}.tif", np.full((6, 6), -10.0 * index, "float32"))
    data = TwoModalityDataModule(4, 0, train_data_root=tmp_path, constant_scale=2.0)
    data.means = {"S2": [1.0, 2.0], "S1": "compute"}
    data.stds = {"S2": [1.0, 4.0], "S1": "compute"}
    data.setup("fit")
    radar = data.preprocessing.modalities["S1"]
    assert (radar.bands, radar.scale, radar.means) == (("VV",), 1.0, (-15.0,))
    assert data.preprocessing.modalities["S2"] == BandScaling(
        bands=("NIR", "RED"), scale=2.0, means=(1.0, 2.0), stds=(1.0, 4.0), fill=(1.0, 2.0)
    )
    loaded = next(iter(data.train_dataloader()))
    order = torch.tensor([int(name.split("/")[-1].removesuffix(".tif")) for name in loaded["filename"]])
    images = data.on_after_batch_transfer(loaded, 0)["image"]
    torch.testing.assert_close(images["S2"][:, :, 0, 0], torch.stack([torch.ones(4), (2.0 * order - 2) / 4], dim=1))
    expected = (-10.0 * order + 15) / radar.stds[0]
    torch.testing.assert_close(images["S1"][:, 0, 0, 0], expected)
    other = TwoModalityDataModule(4, 0, train_data_root=tmp_path)
    other.preprocessing = trained()
    with pytest.raises(ArgumentError, match="the data have the modalities S2, S1, but the model was trained on image"):
        other.setup("fit")
