"""Quantities from a configuration to maps, on a very small set whose labels are bands of the images."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
import yaml
from drawn_chips import write_raster
from rasterio.transform import Affine

from isthmus.cli import main
from isthmus.config import check_config

SIDE = 32
RUN = Path("runs/small/version_0")


def draw_chip(path, seed):
    """Two bands, and two quantities in them: a height that is not known everywhere, and a share."""
    random = np.random.default_rng(seed)
    image = random.normal(0, 1, (2, SIDE, SIDE)).astype("float32")
    height, share = 5 + 2 * image[0], 50 + 10 * image[1]
    height[:2] = -9999
    place = Affine(10, 0, 500000 + 1000 * seed, 0, -10, 4700000)
    write_raster(path, np.stack([*image, height, share]), nodata=-9999, crs="EPSG:32629", transform=place)


def small_config(data):
    roots = {f"{stage}_data_root": str(data / stage) for stage in ("train", "val", "test")}
    return {
        "trainer": {"max_epochs": 1, "accelerator": "cpu", "num_sanity_val_steps": 0},
        "model": {
            "class_path": "PixelwiseRegressionTask",
            "init_args": {
                "model_factory": "EncoderDecoderFactory",
                "model_args": {
                    "backbone": "timm_resnet10t",
                    "backbone_pretrained": False,
                    "backbone_in_chans": 2,
                    "decoder": "UNetDecoder",
                    "decoder_channels": [8, 8, 8, 8, 8],
                },
                "loss": {"huber": {"delta": 5}},
                "quantity_names": ["height", "share"],
                "units": ["m", "%"],
                "optimizer": "AdamW",
            },
        },
        "data": {
            "class_path": "GenericNonGeoPixelwiseRegressionDataModule",
            "init_args": {
                "batch_size": 2,
                "num_workers": 0,
                **roots,
                "predict_data_root": str(data / "test"),
                "img_grep": "*.tif",
                "label_grep": "*.tif",
                "label_bands": [2, 3],
                "dataset_bands": ["RED", "NIR_NARROW", "HEIGHT", "SHARE"],
                "output_bands": ["RED", "NIR_NARROW"],
            },
        },
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("values")
    for stage, first in (("train", 0), ("val", 10), ("test", 20)):
        for index in range(2):
            draw_chip(folder / stage / f"chip_{index}.tif", first + index)
    return folder


def changed(config, **changes):
    for place, value in changes.items():
        *folders, last = place.split("__")
        node = config["model" if folders[0] == "model" else "data"]["init_args"]
        for folder in folders[1:]:
            node = node[folder]
        node[last] = value
    return config


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        ({}, None, ""),
        ({"data__label_bands": [2]}, "data.init_args.label_bands", "says that the number of quantities is 2"),
        ({"model__units": ["m"]}, "model.init_args.units", "has the length 1"),
        (
            {"model__model_args__num_outputs": 3},
            "model.init_args.model_args.num_outputs",
            "is 3, but model.init_args.quantity_names says that the number of quantities is 2",
        ),
        ({"model__quantity_names": ["a", "a"]}, "model.init_args.quantity_names", "holds a name twice: a, a"),
        (
            {"model__quantity_names": None, "model__units": None},
            "data.init_args.label_bands",
            "has the length 2, but model.init_args.quantity_names (not given) says",
        ),
        ({"data__no_label_replace": -1.0}, "model.init_args.ignore_index", "would be learned as a value"),
        ({"data__output_bands": ["RED", "SHARE"]}, "data.init_args.output_bands", "own labels, in band 3"),
        ({"model__loss": "dice"}, "model.init_args.loss", "The losses are: mse, mae, rmse, huber"),
        ({"model__model_args__num_classes": 2}, "model.init_args.model_args.num_classes", "num_outputs"),
    ],
)
def test_what_contradicts_is_told_before_anything_is_built(data, changes, key, message):
    faults = check_config(changed(small_config(data), **changes))
    assert [fault.key for fault in faults] == ([] if key is None else [key])
    assert all(message in fault.message for fault in faults)


@pytest.mark.slow
def test_train_test_and_map(data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(yaml.safe_dump(small_config(data), sort_keys=False))
    assert main(["fit", "-c", "small.yaml"]) == 0
    assert "val/RMSE" in capsys.readouterr().out
    assert main(["test", "-c", "small.yaml"]) == 0
    table = capsys.readouterr().out
    assert "quantity" in table
    scores = json.loads((RUN / "scores.json").read_text())["test"]
    assert set(scores["metrics"]) >= {"loss", "RMSE", "MSE", "MAE", "R2_Score"}
    assert scores["quantities"]["height"]["known"] == 2 * SIDE * (SIDE - 2)
    assert (RUN / "samples_test.png").is_file()
    assert not list(RUN.glob("confusion*"))

    assert main(["predict", "-c", "small.yaml", "--predict_output_dir", "maps"]) == 0
    maps = sorted(Path("maps").rglob("*.tif"))
    assert [file.name for file in maps] == ["chip_0_pred.tif", "chip_1_pred.tif"]
    with rasterio.open(maps[0]) as found, rasterio.open(data / "test/chip_0.tif") as image:
        assert found.dtypes == ("float32", "float32")
        assert np.isnan(found.nodata)
        assert found.descriptions == ("height", "share")
        assert found.units == ("m", "%")
        assert (found.crs, found.transform) == (image.crs, image.transform)
        assert np.isfinite(found.read()).all()
