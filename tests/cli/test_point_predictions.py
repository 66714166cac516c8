"""Points that `predict` finds, in files beside one another."""

import csv
import json

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from drawn_chips import write_raster
from rasterio.transform import Affine
from torch.utils.data import DataLoader, Dataset

from isthmus.cli.prediction_writer import PredictionWriter
from isthmus.errors import DataError
from isthmus.specs import Points

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*LeafSpec")

POINTS = torch.tensor([[[[1.5, 2.0, 0.9], [torch.nan, torch.nan, 0.1]]], [[[3.0, 0.0, 0.7], [4.0, 4.0, 0.6]]]])


class Knowing(pl.LightningModule):
    """Finds the same points whatever it sees."""

    output_spec = Points(("nose", "tail"))

    def predict_step(self, batch, batch_idx):
        return (POINTS, "points"), batch["filename"]


class Images(Dataset):
    def __init__(self, files, size):
        self.image_files, self.size = files, size

    def __len__(self):
        return len(self.image_files)

    def __getitem__(self, index):
        return {"image": torch.zeros(1, *self.size), "filename": self.image_files[index]}


def predict(folder, files, size=(6, 8)):
    writer = PredictionWriter(folder / "out")
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    trainer = pl.Trainer(accelerator="cpu", callbacks=[writer], default_root_dir=folder, **quiet)
    trainer.predict(Knowing(), DataLoader(Images(files, size), 2), return_predictions=False)
    return writer


def test_a_table_for_each_image_and_a_layer_where_it_has_a_place(tmp_path):
    pixels = np.zeros((6, 8), np.uint8)
    place = {"crs": "EPSG:32632", "transform": Affine(10, 0, 600000, 0, -10, 5000000)}
    files = [str(write_raster(tmp_path / "a/1.png", pixels)), str(write_raster(tmp_path / "b/1.tif", pixels, **place))]
    writer = predict(tmp_path, files)
    names = ["a/1_points.csv", "b/1_points.csv", "b/1_points.geojson"]
    assert [str(path.relative_to(tmp_path / "out")) for path in writer.written] == names
    with (tmp_path / "out/a/1_points.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == [
            {"instance": "0", "point": "nose", "x": "1.5", "y": "2.0", "score": "0.9"}
        ]
    features = json.loads((tmp_path / "out/b/1_points.geojson").read_text())["features"]
    assert [each["geometry"]["coordinates"] for each in features] == [[600035, 4999995], [600045, 4999955]]


def test_points_of_resized_images_are_refused(tmp_path):
    files = [str(write_raster(tmp_path / f"{name}.png", np.zeros((6, 8), np.uint8))) for name in "ab"]
    with pytest.raises(DataError, match=r"is 6 x 8 pixels .* was predicted as 12 x 16"):
        predict(tmp_path, files, size=(12, 16))
