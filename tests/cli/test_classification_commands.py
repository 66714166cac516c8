"""A classification from its configuration to a table of predictions."""

import csv
import json

import pytest
import yaml
from drawn_labels import CLASSES, draw, write_table

from isthmus.cli import main
from isthmus.config.check import check_config

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*LeafSpec")


def small_config(folder):
    return {
        "trainer": {"max_epochs": 2, "accelerator": "cpu", "num_sanity_val_steps": 0},
        "model": {
            "class_path": "ClassificationTask",
            "init_args": {
                "model_factory": "EncoderDecoderFactory",
                "model_args": {
                    "backbone": "timm_test_resnet",
                    "backbone_pretrained": False,
                    "necks": "auto",
                    "decoder": "IdentityDecoder",
                    "num_classes": 3,
                },
                "class_names": list(CLASSES),
                "optimizer": "AdamW",
            },
        },
        "data": {
            "class_path": "GenericNonGeoClassificationDataModule",
            "init_args": {
                "batch_size": 4,
                "num_workers": 0,
                **write_table(folder, splits=("train", "train", "val", "test")),
                "predict_data_root": str(folder / "new"),
                "means": "compute",
                "stds": "compute",
            },
        },
    }


def test_the_commands(tmp_path, monkeypatch, capsys):
    for place in ("north/1", "south/1"):
        draw(tmp_path / f"new/{place}.png", 1, side=32)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(small_config(tmp_path)))
    for name in ("fit", "test", "predict"):
        assert main([name, "-c", "small.yaml"]) == 0
    folder = tmp_path / "runs/small/version_0"
    files = {path.name for path in folder.iterdir()}
    assert {"confusion_test.png", "confusion_test.csv", "samples_test.png", "scores.json"} <= files
    scores = json.loads((folder / "scores.json").read_text())["test"]
    assert list(scores["metrics"]) == ["loss", "Accuracy", "Accuracy_Micro", "F1_Score", "Precision", "Recall"]
    assert {name: each["images"] for name, each in scores["classes"].items()} == dict.fromkeys(CLASSES, 1)
    with (folder / "predictions/predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["filename"] for row in rows] == ["north/1.png", "south/1.png"]
    shares = {name: float(rows[0][f"probability_{name}"]) for name in CLASSES}
    assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
    assert rows[0]["class"] == max(shares, key=shares.get)
    assert "images" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("task", "data", "key"),
    [
        ({"class_names": None}, {}, "model.init_args.class_names"),
        ({"class_names": ["field", "lake", "woods"]}, {}, "model.init_args.class_names"),
        ({}, {"class_names": [*CLASSES, "town"]}, "data.init_args.class_names"),
        ({}, {"num_classes": 4}, "data.init_args.num_classes"),
        ({}, {"label": "labels.csv"}, "data.init_args.label"),
        ({"ignored_index": 1}, {}, "model.init_args.ignored_index"),
    ],
)
def test_faults_are_found_before_training(tmp_path, task, data, key):
    config = small_config(tmp_path)
    assert check_config(config) == []
    config["model"]["init_args"] |= task
    config["data"]["init_args"] |= data
    assert key in [fault.key for fault in check_config(config)]
