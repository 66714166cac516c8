import numpy as np
import pytest
import torch
from drawn_chips import write_chips, write_raster
from torchvision.transforms import v2

from isthmus.datamodules import GenericNonGeoSegmentationDataModule
from isthmus.datamodules.normalize import Normalize
from isthmus.errors import ArgumentError, BandError, DataError, PairingError, RasterError, ShapeError
from isthmus.specs import BandScaling, Preprocessing
from isthmus.transforms import RandomD4


def of_image(means, stds):
    return Preprocessing({"image": BandScaling(means=tuple(means), stds=tuple(stds))})


def datamodule(folder, count=6, size=(8, 8), **changes):
    arguments = {"batch_size": 2, "num_workers": 0, "num_classes": 2, **write_chips(folder, count, size=size)}
    return GenericNonGeoSegmentationDataModule(**{**arguments, **changes})


def test_batches_of_every_stage(tmp_path):
    data = datamodule(tmp_path, count=5, predict_data_root=tmp_path / "images", means=[0.0] * 3, stds=[2.0] * 3)
    for stage in ("fit", "validate", "test", "predict"):
        data.setup(stage)
    assert len(data.train_dataloader()) == 2  # the last, which is not full, is dropped
    assert len(data.val_dataloader()) == len(data.test_dataloader()) == 3
    batch = next(iter(data.train_dataloader()))
    assert batch["image"].shape == (2, 3, 8, 8)
    assert batch["mask"].shape == (2, 8, 8)
    assert len(batch["filename"]) == 2
    assert "mask" not in next(iter(data.predict_dataloader()))
    order = [name for batch in data.val_dataloader() for name in batch["filename"]]
    assert order == data.val_dataset.image_files == sorted(order)


def test_normalisation_after_transfer_gives_mean_0_and_deviation_1(tmp_path):
    data = datamodule(tmp_path, means="compute", stds="compute")
    data.setup("fit")
    batches = [data.on_after_batch_transfer(batch, 0)["image"] for batch in data.val_dataloader()]
    pixels = torch.cat(batches).transpose(0, 1).flatten(1).double()
    torch.testing.assert_close(pixels.mean(1), torch.zeros(3).double(), atol=1e-5, rtol=0)
    torch.testing.assert_close(pixels.std(1, correction=0), torch.ones(3).double(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 6, 4, 5)])
def test_normalisation_by_channel(shape):
    image = torch.rand(shape)
    expected = torch.stack([(image[:, c] - c) / (c + 1) for c in range(3)], dim=1)
    batch = {"image": image.clone(), "mask": 1}
    normalize = Normalize(of_image([0, 1, 2], [1, 2, 3]))
    torch.testing.assert_close(normalize(batch)["image"], expected)
    for wrong in ((2, 4, 4, 5), (3, 4, 5)):
        with pytest.raises(ShapeError):
            normalize({"image": torch.rand(wrong)})


@pytest.mark.parametrize(("means", "stds"), [([1.0], [1.0, 2.0]), ([1.0], [0.0]), ([1.0], [float("nan")])])
def test_what_normalisation_cannot_do(means, stds):
    with pytest.raises(ArgumentError, match="stds"):
        of_image(means, stds)


def test_missing_values_are_0_after_normalisation(tmp_path):
    data = datamodule(tmp_path, means=[5.0, 6.0, 7.0], stds=[1.0] * 3, constant_scale=0.1)
    image = np.full((3, 8, 8), 1, dtype="float32")
    image[1, 2, 3] = np.nan
    write_raster(tmp_path / "images/chip_0.tif", image)
    data.setup("validate")
    batch = data.on_after_batch_transfer(next(iter(data.val_dataloader())), 0)
    assert batch["image"][0, 1, 2, 3] == 0
    assert torch.isfinite(batch["image"]).all()
    plain = datamodule(tmp_path)
    write_raster(tmp_path / "images/chip_0.tif", image)
    plain.setup("validate")
    with pytest.raises(DataError, match=r"chip_0\.tif has 1 missing value"):
        next(iter(plain.val_dataloader()))


def test_different_sizes_are_told_before_training(tmp_path):
    data = datamodule(tmp_path)
    write_raster(tmp_path / "images/chip_3.tif", np.zeros((3, 12, 8), "int16"))
    write_raster(tmp_path / "labels/chip_3.tif", np.zeros((12, 8), "uint8"))
    with pytest.raises(DataError, match=r"chip_3\.tif is 12 x 8 pixels .*chip_0\.tif is 8 x 8 .*RandomCrop"):
        data.setup("fit")


@pytest.mark.parametrize(
    "changes",
    [
        {"batch_size": 1},
        {"train_transform": [v2.RandomCrop(8)], "val_transform": v2.Resize((16, 16))},
        {"train_transform": [RandomD4(), v2.RandomCrop(4)], "val_transform": [v2.CenterCrop(8)]},
    ],
)
def test_different_sizes_that_never_meet_are_fine(tmp_path, changes):
    changes = {"batch_size": 3, **changes}
    data = datamodule(tmp_path, **changes)
    write_raster(tmp_path / "images/chip_3.tif", np.zeros((3, 12, 8), "int16"))
    write_raster(tmp_path / "labels/chip_3.tif", np.zeros((12, 8), "uint8"))
    data.setup("fit")
    assert sum(len(batch["image"]) for batch in data.train_dataloader()) == 6
    assert sum(len(batch["image"]) for batch in data.val_dataloader()) == 6


def test_a_transform_that_does_not_make_sizes_equal_does_not_help(tmp_path):
    data = datamodule(tmp_path, train_transform=[v2.RandomHorizontalFlip()])
    write_raster(tmp_path / "images/chip_3.tif", np.zeros((3, 12, 8), "int16"))
    write_raster(tmp_path / "labels/chip_3.tif", np.zeros((12, 8), "uint8"))
    with pytest.raises(DataError, match="train_transform"):
        data.setup("fit")


def test_a_crop_larger_than_an_image_is_told_before_training(tmp_path):
    data = datamodule(tmp_path, train_transform=[v2.RandomCrop(32)])
    with pytest.raises(DataError, match=r"train_transform fails on .*chip_0\.tif, which is 8 x 8"):
        data.setup("fit")


def test_sizes_are_checked_without_reading_a_pixel(tmp_path, monkeypatch):  # pitfall P2
    data = datamodule(tmp_path)
    monkeypatch.setattr("isthmus.rasters.read.native_pixels_of", None)
    data.setup("fit")
    data.train_dataloader()


@pytest.mark.parametrize(
    ("break_it", "error", "said"),
    [
        (lambda folder: (folder / "labels/chip_2.tif").unlink(), PairingError, r"chip_2\.tif"),
        (lambda folder: (folder / "images/chip_2.tif").write_bytes(b""), RasterError, r"chip_2\.tif is empty"),
        (
            lambda folder: write_raster(folder / "images/chip_2.tif", np.zeros((4, 8, 8), "int16")),
            BandError,
            r"chip_2\.tif has 4 band\(s\), but .*chip_0\.tif has 3",
        ),
        (
            lambda folder: write_raster(folder / "labels/chip_2.tif", np.zeros((8, 9), "uint8")),
            DataError,
            r"its label .*chip_2\.tif is 8 x 9",
        ),
    ],
)
def test_bad_files_are_told_at_setup(tmp_path, break_it, error, said):
    data = datamodule(tmp_path)
    break_it(tmp_path)
    with pytest.raises(error, match=said):
        data.setup("fit")


def test_too_few_samples_for_a_batch(tmp_path):
    data = datamodule(tmp_path, count=3, batch_size=4)
    data.setup("fit")
    with pytest.raises(DataError, match=r"3 sample\(s\) give no full batch of 4"):
        data.train_dataloader()
    assert len(data.val_dataloader()) == 1
    data.drop_last = False
    assert len(data.train_dataloader()) == 1


def test_arguments_that_contradict(tmp_path):
    with pytest.raises(ArgumentError, match="output_bands is given without dataset_bands"):
        datamodule(tmp_path, output_bands=[0])
    with pytest.raises(ArgumentError, match="class_names"):
        datamodule(tmp_path, class_names=["one"])
    with pytest.raises(ArgumentError, match="batch_size is 0"):
        datamodule(tmp_path, batch_size=0)
    data = datamodule(tmp_path, means=[1.0, 2.0], stds=[1.0, 2.0], dataset_bands=["A", "B", "C"])
    with pytest.raises(ArgumentError, match=r"means has 2 value\(s\)"):
        data.setup("fit")
    data = datamodule(tmp_path, predict_data_root=None)
    with pytest.raises(ArgumentError, match="predict_data_root is not given"):
        data.setup("predict")
    with pytest.raises(ArgumentError, match="call setup first"):
        data.val_dataloader()


def test_prediction_from_files_with_other_bands(tmp_path):
    write_raster(tmp_path / "new/scene.tif", np.stack([np.full((8, 8), n) for n in range(5)]).astype("int16"))
    data = datamodule(
        tmp_path,
        dataset_bands=["A", "B", "C"],
        output_bands=["C", "A"],
        predict_data_root=tmp_path / "new/scene.tif",
        predict_dataset_bands=["X", "A", "B", "C", "Y"],
    )
    data.setup("predict")
    assert next(iter(data.predict_dataloader()))["image"][0, :, 0, 0].tolist() == [3, 1]


def read_all(folder, workers, seed):
    torch.manual_seed(seed)
    data = datamodule(folder, num_workers=workers, train_transform=[RandomD4(), v2.RandomCrop(5)])
    data.setup("fit")
    loader = data.train_dataloader()
    return [torch.stack([batch["image"] for batch in loader]) for _ in range(2)]


@pytest.mark.parametrize("workers", [0, 2])
def test_the_same_seed_gives_the_same_batches(tmp_path, workers):
    first, again, other = (read_all(tmp_path, workers, seed) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
    assert not torch.equal(first[0], first[1])  # a new epoch is drawn anew


def test_an_error_in_a_worker_names_the_file(tmp_path):
    data = datamodule(tmp_path, num_workers=1)
    data.setup("validate")
    write_raster(tmp_path / "labels/chip_4.tif", np.full((8, 8), 9, "uint8"))
    with pytest.raises(Exception, match=r"labels/chip_4\.tif has 64 pixel\(s\) with the label 9") as caught:
        list(data.val_dataloader())
    assert caught.type.__name__ == "LabelError"


@pytest.mark.real
def test_the_flood_chips(shared):
    root = shared / "data/hls_flood"
    folders = {}
    for stage in ("train", "val", "test"):
        folders |= {
            f"{stage}_data_root": root / "images",
            f"{stage}_label_data_root": root / "masks",
            f"{stage}_split": root / "splits.csv",
        }
    data = GenericNonGeoSegmentationDataModule(8, 0, 2, **folders, dataset_bands=list(range(12)), output_bands=[[0, 6]])
    data.setup("fit")
    data.setup("test")
    assert [len(data.datasets[stage]) for stage in ("train", "val", "test")] == [195, 49, 27]
    names = [set(data.datasets[stage].image_files) for stage in ("train", "val", "test")]
    assert not names[0] & names[1]
    assert not names[0] & names[2]
    batch = next(iter(data.test_dataloader()))
    assert batch["image"].shape == (8, 7, 128, 128)


def test_drawing_before_a_stage_is_set_up_says_what_to_do(tmp_path):
    with pytest.raises(DataError, match=r'call setup\("fit"\)'):
        datamodule(tmp_path).plot({})
