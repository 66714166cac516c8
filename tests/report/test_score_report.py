"""What is reported of tasks of every kind."""

import json
from types import SimpleNamespace

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from isthmus.models.base import ModelOutput
from isthmus.report.callback import ScoreReport
from isthmus.specs import Classes, Quantities, Scope

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*LeafSpec")


class Task(pl.LightningModule):
    """Gives the first bands of its images, or their means."""

    def __init__(self, spec, target_key):
        super().__init__()
        self.output_spec, self.kind, self.ignore_index = spec, SimpleNamespace(batch=target_key), -1
        self.confusion = {"val": torch.tensor([[3, 1], [0, 2]])} if isinstance(spec, Classes) else {}

    def forward(self, x, **kwargs):
        assert not kwargs
        return ModelOutput(x[:, :2].mean((2, 3)) if self.output_spec.scope is Scope.IMAGE else x[:, :2])

    def validation_step(self, batch, batch_idx):
        self.log_dict({"val/loss": 0.5, "val/RMSE": 0.25, "val/RMSE_a": 0.125}, batch_size=len(batch["image"]))


TRUTHS = {"mask": torch.full((2, 8, 8), -1.0), "label": torch.tensor(1)}


def report(folder, spec, target_key):
    samples = [{"image": torch.rand(3, 8, 8), target_key: TRUTHS[target_key], "filename": f"{i}.tif"} for i in range(3)]
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    made = ScoreReport(folder)
    trainer = pl.Trainer(accelerator="cpu", callbacks=[made], default_root_dir=folder, **quiet)
    trainer.validate(Task(spec, target_key), DataLoader(samples, 2), verbose=False)
    return made.text, json.loads((folder / "scores.json").read_text())


def test_of_quantities_the_scores_over_all_are_reported(tmp_path):
    text, scores = report(tmp_path, Quantities(("a", "b"), ("m", "%")), "mask")
    assert scores == {"val": {"metrics": {"loss": 0.5, "RMSE": 0.25}}}
    assert "RMSE" in text
    assert "RMSE_a" not in text
    assert sorted(file.name for file in tmp_path.iterdir()) == ["samples_val.png", "scores.json"]


def test_of_labels_images_are_counted(tmp_path):
    text, scores = report(tmp_path, Classes(("a", "b"), scope=Scope.IMAGE), "label")
    assert "of the images of each class (row)" in text
    assert scores["val"]["classes"]["a"]["images"] == 4
    assert scores["val"]["confusion"] == [[3, 1], [0, 2]]
    names = ["confusion_val.csv", "confusion_val.png", "samples_val.png", "scores.json"]
    assert sorted(file.name for file in tmp_path.iterdir()) == names


def test_values_that_do_not_count_are_not_drawn(tmp_path, monkeypatch):
    drawn = []
    draw = "isthmus.predictions.quantities.draw_values"
    monkeypatch.setattr(draw, lambda path, samples, *_, **__: drawn.extend(samples))
    report(tmp_path, Quantities(("a", "b")), "mask")
    assert all(np.isnan(sample.label).all() for sample in drawn)
