"""What a checkpoint says of its model, and what happens where that contradicts the task."""

import lightning.pytorch as pl
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from isthmus import __version__
from isthmus.errors import WeightsError
from isthmus.specs import BandScaling, Classes, Points, Preprocessing, Quantities, output_spec_from
from isthmus.tasks import KeypointTask, SemanticSegmentationTask
from isthmus.tasks.statements import check_output_spec

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers", "ignore:.*no `val_dataloader`", "ignore:.*LeafSpec"
)

SCALING = Preprocessing({"image": BandScaling(bands=("RED", "NIR"), means=(0.5, 0.25), stds=(0.1, 0.2), fill=0.0)})


class Data(pl.LightningDataModule):
    preprocessing = None

    def setup(self, stage):
        self.preprocessing = SCALING

    def train_dataloader(self):
        sample = {"image": torch.rand(2, 4, 4), "mask": torch.zeros(4, 4, dtype=torch.long)}
        return DataLoader([sample] * 2, 2)


def task(**kwargs):
    return SemanticSegmentationTask(**{"model": nn.Conv2d(2, 2, 1), "class_names": ["land", "water"], **kwargs})


def fitted(tmp_path, built, data):
    runner = pl.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    runner.fit(built, data)
    runner.save_checkpoint(tmp_path / "a.ckpt")
    return tmp_path / "a.ckpt"


def again(path, **kwargs):
    return SemanticSegmentationTask.load_from_checkpoint(path, model=nn.Conv2d(2, 2, 1), weights_only=True, **kwargs)


def test_a_checkpoint_says_what_its_model_takes_and_means(tmp_path):
    built = task(class_colors=["#000000", [0, 0, 255]])
    built.model.input_spec = SCALING  # anything that is plain data will do
    path = fitted(tmp_path, built, Data())
    stored = torch.load(path, weights_only=True)["isthmus"]
    assert set(stored) == {"composition", "input", "output", "preprocessing", "version"}
    assert stored["composition"] is None
    assert stored["input"] == stored["preprocessing"] == SCALING.to_dict()
    assert stored["version"] == __version__
    assert output_spec_from(stored["output"]) == Classes(("land", "water"), ((0, 0, 0), (0, 0, 255)))
    restored = again(path)
    assert restored.preprocessing == SCALING
    assert restored.output_spec == built.output_spec


def test_data_that_say_nothing_leave_what_is_known(tmp_path):
    path = fitted(tmp_path, task(), Data())
    restored = again(path)
    assert fitted(tmp_path, restored, Data().train_dataloader()) == path
    assert again(path).preprocessing == SCALING


def test_a_checkpoint_that_says_nothing_is_loaded(tmp_path):
    path = fitted(tmp_path, task(), Data())
    raw = torch.load(path, weights_only=True)
    del raw["isthmus"]
    torch.save(raw, path)
    restored = again(path, class_names=["water", "land"])  # nobody can tell
    assert restored.preprocessing is None


def test_other_names_than_those_of_the_training_are_refused(tmp_path):
    path = fitted(tmp_path, task(), Data())
    with pytest.raises(
        WeightsError, match=r"trained for classes .*: land, water, but the task is about .*: water, land"
    ):
        again(path, class_names=["water", "land"])
    assert again(path, class_colors=["#ffffff", "#000000"]).class_colors == [(255, 255, 255), (0, 0, 0)]
    unnamed = fitted(tmp_path, task(class_names=None, num_classes=2), Data())
    assert again(unnamed, class_names=["water", "land"], num_classes=None).class_names == ["water", "land"]


@pytest.mark.parametrize(
    ("trained", "asked", "same"),
    [
        (Points(("a", "b")), Points(("a", "b"), threshold=0.5, max_instances=3), True),
        (Points(("a", "b")), Points(("b", "a")), False),
        (Points(("a", "b")), Points(("a", "b"), offsets=True), False),
        (Points(("tree",)), Points(("palm",)), True),
        (Classes(("a", "b", "c")), Classes(("a", "b")), False),
        (Classes(("0", "1")), Classes(("a", "b")), True),
        (Classes(("a", "b")), Quantities(("a", "b")), False),
        (Quantities(("a", "b"), ("m", "m")), Quantities(("a", "b")), True),
    ],
)
def test_what_contradicts(trained, asked, same):
    stored = {"output": trained.to_dict()}
    if same:
        check_output_spec(stored, asked)
    else:
        with pytest.raises(WeightsError):
            check_output_spec(stored, asked)


def test_a_model_of_ours_is_told_what_its_numbers_mean():
    arguments = {"model": "unet", "in_chans": 2, "filters": 4, "max_stride": 2, "output_stride": 1}
    built = KeypointTask(arguments, "FullModelFactory", point_names=["a", "b"], sigma=3.0, peak_threshold=0.4)
    assert built.model.output_spec == Points(("a", "b"), threshold=0.4, min_distance=3.0)
    assert built(torch.zeros(1, 2, 8, 12)).image_size == (8, 12)
    assert built.model(torch.zeros(1, 2, 8, 12)).image_size is None
