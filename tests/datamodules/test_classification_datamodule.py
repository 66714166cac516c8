import pytest
import torch
from drawn_labels import CLASSES, draw, write_folders, write_table
from torchvision.transforms import v2

from isthmus.datamodules import GenericNonGeoClassificationDataModule
from isthmus.errors import ArgumentError, DataError, PairingError
from isthmus.statistics import statistics_from_config
from isthmus.transforms import RandomD4


def datamodule(arguments, workers=0, **changes):
    return GenericNonGeoClassificationDataModule(2, workers, **{**arguments, **changes})


@pytest.mark.parametrize("write", [write_folders, write_table])
def test_batches_of_every_stage(tmp_path, write):
    changes = {"train_transform": [RandomD4(), v2.Resize(8)], "img_grep": "*.png", "predict_data_root": tmp_path}
    data = datamodule(write(tmp_path), **changes)
    for stage in ("fit", "validate", "test", "predict"):
        data.setup(stage)
    assert (data.num_classes, data.class_names) == (3, list(CLASSES))
    for batch in data.train_dataloader():
        assert set(batch) == {"image", "label", "filename"}
        assert batch["image"].shape == (2, 3, 8, 8)
        assert (batch["label"].dtype, batch["label"].shape) == (torch.int64, (2,))
    for batch in data.test_dataloader():
        bright = batch["image"].mean((2, 3)).argmax(1)
        assert bright.tolist() == batch["label"].tolist()
    assert set(next(iter(data.predict_dataloader()))) == {"image", "filename"}


def test_batches_of_workers_and_statistics(tmp_path):
    arguments = write_table(tmp_path)
    data = datamodule(arguments, workers=2, means="compute", stds="compute", drop_last=False)
    data.setup("fit")
    images = torch.cat([data.on_after_batch_transfer(batch, 0)["image"] for batch in data.train_dataloader()])
    assert abs(float(images.mean())) < 1e-4
    statistics = statistics_from_config("GenericNonGeoClassificationDataModule", arguments)
    assert statistics.samples == 6


def test_what_cannot_be(tmp_path):
    arguments = write_folders(tmp_path)
    with pytest.raises(PairingError, match="no image to train on is of the class town"):
        datamodule(arguments, class_names=[*CLASSES, "town"]).setup("fit")
    with pytest.raises(ArgumentError, match="num_classes is 2, but there are 3"):
        datamodule(arguments, num_classes=2).setup("fit")
    with pytest.raises(ArgumentError, match="val_data_root is given beside labels"):
        datamodule({"labels": "a.csv", "val_data_root": "b"})
    with pytest.raises(ArgumentError, match="predict_data_root is not given"):
        datamodule(arguments).setup("predict")
    draw(tmp_path / "train/lake/7.png", 1, side=20)
    with pytest.raises(DataError, match=r"7\.png is 20 x 20 pixels"):
        datamodule(arguments).setup("fit")


@pytest.mark.real
def test_the_scenes_of_rsscn7(shared):
    data = datamodule({"labels": shared / "data/rsscn7_128/splits.csv", "img_grep": "*.jpg"})
    for stage, count in (("train", 1680), ("val", 560), ("test", 560)):
        assert len(data.source.samples(stage)) == count
    assert data.class_names == ["Field", "Forest", "Grass", "Industry", "Parking", "Resident", "RiverLake"]
