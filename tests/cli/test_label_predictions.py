"""Labels of whole images that `predict` finds, in one table, and quantities in maps."""

import csv

import lightning.pytorch as pl
import numpy as np
import pytest
import rasterio
import torch
from drawn_chips import write_raster
from torch.utils.data import DataLoader, Dataset

from isthmus.cli.prediction_writer import PredictionWriter, _of_all_processes
from isthmus.errors import DataError
from isthmus.models.base import ModelOutput
from isthmus.predictions import meaning_of
from isthmus.specs import Classes, Quantities, Scope

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*LeafSpec")

LABELS = Classes(("land", "water"), scope=Scope.IMAGE)


class Means(pl.LightningModule):
    """Finds the mean of an image, or the image itself."""

    def __init__(self, spec, kinds):
        super().__init__()
        self.output_spec, self.kinds = spec, kinds

    def predict_step(self, batch, batch_idx):
        means = batch["image"].mean((1, 2, 3))
        values = batch["image"][:, 0] if self.output_spec.scope is Scope.PIXEL else torch.stack([-means, means], 1)
        meaning = meaning_of(self.output_spec)
        return [meaning.named(ModelOutput(values), kind) for kind in self.kinds], batch["filename"]


class Images(Dataset):
    def __init__(self, files):
        self.image_files = files

    def __len__(self):
        return len(self.image_files)

    def __getitem__(self, index):
        return {"image": torch.full((1, 6, 8), float(index - 1)), "filename": self.image_files[index]}


def predict(folder, module):
    files = [str(write_raster(folder / f"{name}.png", np.zeros((6, 8), np.uint8))) for name in ("a/1", "b/1", "b/2")]
    writer = PredictionWriter(folder / "out")
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    trainer = pl.Trainer(accelerator="cpu", callbacks=[writer], default_root_dir=folder, **quiet)
    trainer.predict(module, DataLoader(Images(files), 2), return_predictions=False)
    return writer


def test_labels_of_all_images_are_one_table(tmp_path):
    writer = predict(tmp_path, Means(LABELS, ["prediction", "probabilities"]))
    assert writer.written == [tmp_path / "out/predictions.csv"]
    with writer.written[0].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["filename"] for row in rows] == ["a/1.png", "b/1.png", "b/2.png"]
    assert [row["class"] for row in rows] == ["land", "land", "water"]
    assert float(rows[2]["probability_water"]) == pytest.approx(1 / (1 + np.exp(-2)))
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["predictions.csv"]


def test_quantities_are_maps(tmp_path):
    writer = predict(tmp_path, Means(Quantities(("height",), ("m",)), ["prediction"]))
    names = [str(path.relative_to(tmp_path / "out")) for path in writer.written]
    assert names == ["a/1_pred.tif", "b/1_pred.tif", "b/2_pred.tif"]
    with (
        pytest.warns(rasterio.errors.NotGeoreferencedWarning),
        rasterio.open(writer.written[2]) as result,
    ):
        assert (result.dtypes, result.units, result.read(1).max()) == (("float32",), ("m",), 1)


def test_a_task_must_say_what_its_output_means(tmp_path):
    with pytest.raises(DataError, match="Means has no `output_spec`"):
        predict(tmp_path, Means(None, []))


def test_rows_come_from_all_processes(tmp_path):
    rows = {"a.tif": {"class": "land"}}
    assert _of_all_processes(rows) is rows
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    try:
        assert _of_all_processes(rows) == rows
    finally:
        torch.distributed.destroy_process_group()
