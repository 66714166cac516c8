"""A data set that is small enough to train on in a test, and a configuration for it."""

import numpy as np
import pytest
import rasterio
import yaml
from rasterio.transform import Affine

SIDE = 32


def draw_chip(folder, name, seed, *, labelled=True):
    """A bright square of "water" on dark ground, in three bands; its label beside it."""
    random = np.random.default_rng(seed)
    label = np.zeros((SIDE, SIDE), np.uint8)
    row, column = random.integers(0, SIDE - 16, 2)
    label[row : row + 16, column : column + 16] = 1
    image = (1000 + 2000.0 * label + random.normal(0, 200, (3, SIDE, SIDE))).astype(np.int16)
    image[:, 0, 0] = -9999
    profile = {"driver": "GTiff", "width": SIDE, "height": SIDE, "crs": "EPSG:32629"}
    profile["transform"] = Affine(10, 0, 500000 + 1000 * seed, 0, -10, 4700000)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        folder / "images" / f"{name}.tif", "w", count=3, dtype="int16", nodata=-9999, **profile
    ) as target:
        target.write(image)
    if labelled:
        (folder / "labels").mkdir(exist_ok=True)
        with rasterio.open(folder / "labels" / f"{name}.tif", "w", count=1, dtype="uint8", **profile) as target:
            target.write(label, 1)


def small_config(data):
    """A configuration for the data set in the folder `data`."""
    splits = {
        f"{split}_{what}": str(data / split / folder)
        for split in ("train", "val", "test")
        for what, folder in (("data_root", "images"), ("label_data_root", "labels"))
    }
    return {
        "trainer": {"max_epochs": 2, "accelerator": "cpu", "num_sanity_val_steps": 0},
        "model": {
            "class_path": "SemanticSegmentationTask",
            "init_args": {
                "model_factory": "EncoderDecoderFactory",
                "model_args": {
                    "backbone": "prithvi_eo_tiny",
                    "backbone_pretrained": False,
                    "backbone_bands": ["BLUE", "GREEN", "RED"],
                    "backbone_img_size": SIDE,
                    "backbone_num_frames": 1,
                    "necks": "auto",
                    "decoder": "FCNDecoder",
                    "decoder_channels": 16,
                    "decoder_num_convs": 2,
                    "num_classes": 2,
                },
                "loss": "ce",
                "class_names": ["land", "water"],
            },
        },
        "data": {
            "class_path": "GenericNonGeoSegmentationDataModule",
            "init_args": {
                "batch_size": 4,
                "num_workers": 0,
                "num_classes": 2,
                **splits,
                "predict_data_root": str(data / "new"),
                "img_grep": "**/*.tif",
                "label_grep": "**/*.tif",
                "dataset_bands": ["BLUE", "GREEN", "RED"],
                "means": [1500.0, 1500.0, 1500.0],
                "stds": [900.0, 900.0, 900.0],
            },
        },
        "optimizer": {"class_path": "AdamW", "init_args": {"lr": 1e-3}},
    }


@pytest.fixture(scope="session")
def small_set(tmp_path_factory):
    """Eight chips to train on, four each to validate and to test, and three to predict, two of one name."""
    folder = tmp_path_factory.mktemp("data")
    for split, count, first in (("train", 8, 0), ("val", 4, 20), ("test", 4, 30)):
        for index in range(count):
            draw_chip(folder / split, f"chip_{index}", first + index)
    for index, place in enumerate(("north", "south", "south")):
        draw_chip(folder / "new" / place, "scene" if index < 2 else "other", 40 + index, labelled=False)
    return folder


@pytest.fixture
def config_file(small_set, tmp_path, monkeypatch):
    """The configuration in a file of a folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(small_config(small_set), sort_keys=False))
    return path
