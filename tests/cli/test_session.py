"""From a configuration to maps, on a very small set."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
import yaml

from isthmus.cli import main
from isthmus.cli.checkpoints import AtomicCheckpointIO, find_checkpoint, run_folder_of
from isthmus.errors import WeightsError

RUN = Path("runs/small/version_0")


@pytest.fixture
def trained(config_file, capsys):
    """The small configuration, trained for two epochs in the current folder."""
    assert main(["fit", "-c", "small.yaml"]) == 0
    return capsys.readouterr().out


@pytest.mark.slow
def test_train_test_and_map(trained, capsys, small_set):
    assert "3,378,850 of them trained" in trained
    assert "epoch 2/2  train/loss" in trained
    assert f"val of {RUN}/checkpoints/best.ckpt" in trained
    assert sorted(file.name for file in RUN.iterdir()) == [
        "checkpoints",
        "config.yaml",
        "confusion_val.csv",
        "confusion_val.png",
        "hparams.yaml",
        "metrics.csv",
        "samples_val.png",
        "scores.json",
    ]
    assert sorted(file.name for file in (RUN / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]
    saved = yaml.safe_load((RUN / "config.yaml").read_text())
    assert saved["model"]["class_path"] == "isthmus.tasks.SemanticSegmentationTask"
    assert saved["optimizer"]["class_path"] == "torch.optim.AdamW"

    # the configuration that was kept leads to the same run
    assert main(["test", "-c", str(RUN / "config.yaml")]) == 0
    assert capsys.readouterr().out.startswith(f"checkpoint: {RUN}/checkpoints/best.ckpt\n")
    scores = json.loads((RUN / "scores.json").read_text())
    assert scores["test"]["checkpoint"] == f"{RUN}/checkpoints/best.ckpt"
    confusion = np.array(scores["test"]["confusion"])
    assert confusion.sum() == 4 * 32 * 32
    iou = [confusion[i, i] / (confusion[i].sum() + confusion[:, i].sum() - confusion[i, i]) for i in (0, 1)]
    assert scores["test"]["metrics"]["mIoU"] == pytest.approx(np.mean(iou), abs=1e-6)
    assert scores["test"]["classes"]["water"]["IoU"] == pytest.approx(iou[1])

    assert main(["predict", "-c", "small.yaml", "--predict_output_dir", "maps"]) == 0
    assert "3 map(s) in " in capsys.readouterr().out
    maps = sorted(str(file.relative_to("maps")) for file in Path("maps").rglob("*.tif"))
    assert maps == [
        f"{place}/images/{name}_pred.tif"
        for place, name in (("north", "scene"), ("south", "other"), ("south", "scene"))
    ]
    for name in maps:
        with (
            rasterio.open(small_set / "new" / name.replace("_pred", "")) as image,
            rasterio.open(f"maps/{name}") as map_,
        ):
            assert map_.crs == image.crs
            assert map_.transform == image.transform
            assert map_.read(1)[0, 0] == map_.nodata == 255
            assert set(np.unique(map_.read(1))) <= {0, 1, 255}
            assert map_.tags(1) == {"CLASS_0": "land", "CLASS_1": "water"}


def fit_until_second_epoch(number, *words):
    """Train in another process and send it a signal; what it says from then on, and its status."""
    command = [sys.executable, "-c", "import sys; from isthmus.cli import main; sys.exit(main())"]
    command += ["fit", "-c", "small.yaml", "--trainer.max_epochs", "1000", *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("epoch ") and not line.startswith("epoch 1/"):
                process.send_signal(number)
                break
        said += process.stdout.read()
        return said, process.wait(60)


@pytest.mark.slow
def test_probabilities_beside_the_map_and_no_image_is_overwritten(trained, capsys, small_set, tmp_path):
    shutil.copytree(small_set / "new" / "north" / "images", tmp_path / "images")
    shutil.copy(tmp_path / "images/scene.tif", tmp_path / "images/other_pred.tif")
    words = ["predict", "-c", "small.yaml", "--data.predict_data_root", "images"]
    words += ["--model.output_on_inference", "[prediction, probabilities]"]
    assert main(words) == 0
    with rasterio.open(RUN / "predictions/scene_probabilities.tif") as shares:
        assert shares.descriptions == ("land", "water")
        assert shares.dtypes == ("float32", "float32")
        read = shares.read()
    with rasterio.open(RUN / "predictions/scene_pred.tif") as chosen:
        assert np.array_equal(read.argmax(0)[1:], chosen.read(1)[1:])
    assert np.isnan(read[:, 0, 0]).all()
    assert read.sum(0)[1:] == pytest.approx(1, abs=1e-6)

    before = (tmp_path / "images/other_pred.tif").read_bytes()
    (tmp_path / "images/scene.tif").rename(tmp_path / "images/other.tif")
    capsys.readouterr()
    assert main([*words, "--predict_output_dir", "images"]) == 2
    assert "would overwrite the image images/other_pred.tif" in capsys.readouterr().err
    assert (tmp_path / "images/other_pred.tif").read_bytes() == before


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_an_interrupted_training_goes_on(config_file):
    said, status = fit_until_second_epoch(signal.SIGINT)
    assert "stopping after this step" in said
    assert "go on with it by --ckpt_path last" in said
    assert status == 130
    kept = torch.load(RUN / "checkpoints" / "last.ckpt", weights_only=True)

    said, status = fit_until_second_epoch(signal.SIGTERM, "--ckpt_path", "last")
    assert status == 143
    assert f"checkpoint: {RUN}/checkpoints/last.ckpt" in said
    assert "epoch 1/" not in said
    resumed = torch.load(RUN / "checkpoints" / "last.ckpt", weights_only=True)
    assert resumed["global_step"] > kept["global_step"]
    assert (RUN / "metrics_1.csv").is_file()


@pytest.mark.slow
def test_numbers_too_small_to_compute_fast_with_are_zero_in_every_thread(config_file):
    # a trained U-Net with dead units took seven times as long
    code = """
import torch
from lightning.pytorch import Trainer
from isthmus.cli import main

found, fit = [], Trainer.fit

def fit_and_try(*args, **kwargs):
    fit(*args, **kwargs)
    found.append((torch.full((2**22,), 1e-39) * 0.5).count_nonzero().item())

Trainer.fit = fit_and_try
assert main(["fit", "-c", "small.yaml", "--trainer.max_epochs", "1"]) == 0
assert found == [0], found
assert (torch.full((4,), 1e-39) * 0.5).count_nonzero() == 4, "the process is not as it was before"
"""
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"epoch": 1}, path)
    monkeypatch.setattr("isthmus.cli.checkpoints.torch.save", lambda _, file: Path(file).write_bytes(b"half") and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        AtomicCheckpointIO().save_checkpoint({"epoch": 2}, path)
    assert torch.load(path, weights_only=True) == {"epoch": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]


class RunsCode:
    def __reduce__(self):
        return Path.write_text, (Path("ran"), "")


def test_mistakes_that_only_the_heavy_packages_know(config_file, capsys):
    assert main(["fit", "-c", "small.yaml", "--trainer.precision", "half"]) == 2
    assert "trainer.precision: found 'half'; expected int, or Literal[" in capsys.readouterr().err
    assert main(["fit", "-c", "small.yaml", "--model.lr_overrides", "{nothing: 1.0e-3}"]) == 2
    assert "the lr_overrides key 'nothing' is part of no parameter name" in capsys.readouterr().err


def test_a_checkpoint_with_code_in_it_is_not_loaded(config_file, capsys):
    torch.save({"state_dict": RunsCode()}, "evil.ckpt")
    assert main(["test", "-c", "small.yaml", "--ckpt_path", "evil.ckpt"]) == 2
    assert "evil.ckpt holds more than weights and plain data" in capsys.readouterr().err
    assert not Path("ran").exists()
    Path("text.ckpt").write_text("no zip")
    assert main(["test", "-c", "small.yaml", "--ckpt_path", "text.ckpt"]) == 2
    assert "text.ckpt is no checkpoint, or is damaged" in capsys.readouterr().err


def test_training_without_validation_keeps_the_last_epoch_and_fits_no_other_model(config_file, capsys):
    assert main(["fit", "-c", "small.yaml", "--data.val_data_root", "null", "--trainer.max_epochs", "1"]) == 0
    assert sorted(file.name for file in (RUN / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]
    capsys.readouterr()
    assert main(["test", "-c", "small.yaml", "--model.model_args.decoder_channels", "8"]) == 2
    error = capsys.readouterr().err
    assert f"{RUN}/checkpoints/best.ckpt was made by another model: size mismatch for model.decoder" in error
    assert "more" in error


def lay(folder, *names):
    folder.mkdir(parents=True)
    for age, name in enumerate(names):
        (folder / name).write_bytes(b"")
        os.utime(folder / name, (age, age))


def test_the_best_checkpoint_of_the_latest_run_is_found(tmp_path):
    lay(tmp_path / "version_1/checkpoints", "best.ckpt", "last.ckpt")
    lay(tmp_path / "version_0/checkpoints", "best.ckpt", "last.ckpt")
    os.utime(tmp_path / "version_1/checkpoints/best.ckpt", (99, 99))
    assert find_checkpoint("best", tmp_path) == tmp_path / "version_1/checkpoints/best.ckpt"
    assert find_checkpoint("last", tmp_path) == tmp_path / "version_1/checkpoints/last.ckpt"
    assert run_folder_of(tmp_path / "version_1/checkpoints/last.ckpt") == tmp_path / "version_1"
    assert run_folder_of(tmp_path / "a.ckpt") is None


def test_checkpoints_of_other_names_are_found_by_what_the_run_recorded(tmp_path):
    lay(tmp_path / "version_0/checkpoints", "epoch=1.ckpt", "epoch=2.ckpt", "last.ckpt")
    with pytest.raises(WeightsError, match=r"give one by --ckpt_path: epoch=1\.ckpt, epoch=2\.ckpt, last\.ckpt"):
        find_checkpoint("best", tmp_path)
    record = {"val": {"checkpoint": "elsewhere/version_0/checkpoints/epoch=1.ckpt"}}
    (tmp_path / "version_0/scores.json").write_text(json.dumps(record))
    assert find_checkpoint("best", tmp_path).name == "epoch=1.ckpt"


def test_no_checkpoint_is_a_mistake_that_says_what_to_do(config_file, capsys):
    assert main(["test", "-c", "small.yaml"]) == 2
    assert "there is no checkpoint in runs/small; run `isthmus fit` first" in capsys.readouterr().err
    assert main(["test", "-c", "small.yaml", "--ckpt_path", "gone.ckpt"]) == 2
    assert "--ckpt_path: there is no checkpoint gone.ckpt" in capsys.readouterr().err
