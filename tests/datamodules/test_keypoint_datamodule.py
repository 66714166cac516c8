import numpy as np
import pytest
import torch
from drawn_chips import write_raster
from drawn_keypoints import NAMES, write_csv, write_poses
from torchvision.transforms import v2

from isthmus.datamodules import GenericKeypointDataModule
from isthmus.errors import ArgumentError, DataError, LabelError, PairingError
from isthmus.statistics import statistics_from_config
from isthmus.transforms import RandomD4


def datamodule(folder, count=8, workers=0, **changes):
    return GenericKeypointDataModule(2, workers, **{**write_poses(folder, count), **changes})


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_of_every_stage(tmp_path, workers):
    transform = [RandomD4(), v2.RandomAffine(10)]
    data = datamodule(tmp_path, workers=workers, train_transform=transform, predict_data_root=tmp_path / "images")
    for stage in ("fit", "validate", "test", "predict"):
        data.setup(stage)
    assert data.point_names == list(NAMES)
    assert data.image_size == (20, 30)
    assert [len(loader) for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader())] == [
        2,
        1,
        1,
    ]
    for batch in data.train_dataloader():
        assert batch["image"].shape == (2, 1, 20, 30)
        assert batch["keypoints"].shape == (2, 1, 3, 2)
    batch = next(iter(data.test_dataloader()))
    assert torch.isfinite(batch["keypoints"]).all()
    assert set(next(iter(data.predict_dataloader()))) == {"image", "filename"}
    assert len(data.predict_dataset) == 8


def test_points_of_a_batch_are_those_of_the_table(tmp_path):
    data = datamodule(tmp_path)
    data.setup("test")
    rows = (tmp_path / "keypoints.csv").read_text().splitlines()[1:]
    expected = [[float(cell) for cell in row.split(",")[2:]] for row in rows if ",test," in row]
    batch = next(iter(data.test_dataloader()))
    np.testing.assert_allclose(batch["keypoints"].reshape(2, 6), expected, rtol=1e-6)


def test_normalisation(tmp_path):
    data = datamodule(tmp_path, means="compute", stds="compute", drop_last=False)
    data.setup("fit")
    images = torch.cat([data.on_after_batch_transfer(batch, 0)["image"] for batch in data.train_dataloader()])
    assert abs(float(images.mean())) < 1e-5
    assert abs(float(images.std(correction=0)) - 1) < 1e-5
    arguments = write_poses(tmp_path, 8)
    statistics = statistics_from_config("GenericKeypointDataModule", arguments)
    assert statistics.means == pytest.approx(data.preprocessing.modalities["image"].means)
    assert statistics.samples == 4


def test_a_training_without_validation_set(tmp_path):
    data = GenericKeypointDataModule(2, 0, **write_poses(tmp_path, splits=("train", "test")))
    data.setup("fit")
    assert set(data.datasets) == {"train"}
    with pytest.raises(PairingError, match=r"in the split 'val'; there are 'train' \(3\), 'test' \(3\)"):
        data.setup("validate")


def test_a_file_for_each_stage(tmp_path):
    arguments = {}
    for stage in ("train", "val"):
        write_poses(tmp_path / stage, 4, splits=("",))
        arguments[f"{stage}_keypoints"] = tmp_path / stage / "keypoints.csv"
        arguments[f"{stage}_data_root"] = tmp_path / stage / "images"
    data = GenericKeypointDataModule(2, 0, **arguments)
    data.setup("fit")
    assert len(data.train_dataset) == len(data.val_dataset) == 4
    with pytest.raises(ArgumentError, match="test_keypoints is given"):
        data.setup("test")


def test_different_sizes_are_told_before_training(tmp_path):
    data = datamodule(tmp_path)
    write_raster(tmp_path / "images/frame_1.png", np.zeros((40, 30), "uint8"))
    with pytest.raises(DataError, match=r"frame_1\.png is 40 x 30 pixels .*train_transform"):
        data.setup("fit")
    resized = datamodule(tmp_path, train_transform=v2.Resize((24, 24)))
    write_raster(tmp_path / "images/frame_1.png", np.zeros((40, 30), "uint8"))
    resized.setup("fit")
    assert next(iter(resized.train_dataloader()))["image"].shape == (2, 1, 24, 24)
    assert resized.image_size is None


def test_points_outside_are_told_before_training(tmp_path):
    data = datamodule(tmp_path)
    write_raster(tmp_path / "images/frame_4.png", np.zeros((10, 30), "uint8"))
    data.check_stackability = False
    data.setup("fit")  # nothing is looked at
    with pytest.raises(LabelError, match=r"keypoints\.csv, row 6 has a point .*frame_4\.png"):
        list(data.train_dataloader())
    again = datamodule(tmp_path, train_transform=v2.Resize((20, 30)))
    write_raster(tmp_path / "images/frame_4.png", np.zeros((10, 30), "uint8"))
    with pytest.raises(LabelError, match=r"keypoints\.csv, row 6 has a point"):
        again.setup("fit")


def test_arguments_that_contradict(tmp_path):
    with pytest.raises(ArgumentError, match="format is 'excel'"):
        datamodule(tmp_path, format="excel")
    with pytest.raises(ArgumentError, match=r"swap_pairs names the point 'lft'.*did you mean 'left'"):
        datamodule(tmp_path, swap_pairs=[["lft", "right"]]).setup("fit")
    with pytest.raises(ArgumentError, match="the points have no names"):
        _ = GenericKeypointDataModule(1, 0).point_names


def read_all(folder, workers, seed):
    torch.manual_seed(seed)
    data = datamodule(folder, workers=workers, train_transform=[RandomD4(), v2.RandomAffine(5)])
    data.setup("fit")
    return torch.cat([batch["keypoints"] for batch in data.train_dataloader()])


@pytest.mark.parametrize("workers", [0, 2])
def test_the_same_seed_gives_the_same_points(tmp_path, workers):
    first, again, other = (read_all(tmp_path, workers, seed).nan_to_num(-1) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_prediction_of_one_image(tmp_path):
    write_poses(tmp_path)
    data = GenericKeypointDataModule(1, 0, predict_data_root=tmp_path / "images/frame_1.png")
    data.setup("predict")
    assert [batch["filename"] for batch in data.predict_dataloader()] == [[str(tmp_path / "images/frame_1.png")]]


@pytest.mark.real
def test_the_poses_of_mice(shared):
    root = shared / "data/pose_openfield"
    data = GenericKeypointDataModule(
        8,
        0,
        root / "keypoints.csv",
        data_root=root / "images",
        swap_pairs=[["leftear", "rightear"]],
        dataset_bands=["R", "G", "B"],
        output_bands=["R"],
    )
    data.setup("fit")
    data.setup("test")
    assert data.point_names == ["snout", "leftear", "rightear", "tailbase"]
    assert data.image_size == (240, 320)
    assert {stage: len(dataset) for stage, dataset in data.datasets.items()} == {"train": 80, "val": 16, "test": 20}
    sample = data.train_dataset[0]
    assert sample["image"].shape == (1, 240, 320)
    np.testing.assert_allclose(sample["keypoints"][0, 0], [10.511, 132.464], rtol=1e-6)


@pytest.mark.real
def test_the_trees_of_cities(shared):
    root = shared / "data/naip_urban_trees"
    data = GenericKeypointDataModule(
        8, 0, root / "points.csv", data_root=root / "images", split_table=root / "index.csv", train_transform=RandomD4()
    )
    data.setup("fit")
    data.setup("test")
    counts = {stage: sum(len(s.keypoints) for s in dataset.samples) for stage, dataset in data.datasets.items()}
    assert counts == {"train": 6348, "val": 1654, "test": 1609}
    assert [len(data.datasets[stage]) for stage in ("train", "val", "test")] == [108, 27, 27]
    batch = next(iter(data.train_dataloader()))
    assert batch["image"].shape == (8, 4, 256, 256)
    assert batch["keypoints"].shape[2:] == (1, 2)


def test_an_image_without_instances_in_every_place_of_a_batch(tmp_path):
    for index in range(2):
        write_raster(tmp_path / f"images/{index}.png", np.zeros((8, 8), "uint8"))
    path = write_csv(tmp_path / "points.csv", ["image", "x", "y"], [["0", "", ""], ["1", "", ""]])
    data = GenericKeypointDataModule(2, 0, train_keypoints=path, data_root=tmp_path / "images")
    data.setup("fit")
    assert next(iter(data.train_dataloader()))["keypoints"].shape == (2, 0, 1, 2)
