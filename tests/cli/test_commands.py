"""`isthmus plan` and `isthmus stats`, and the configurations of the examples."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from isthmus.cli import main
from isthmus.config.check import check_config
from isthmus.config_file import load_config
from isthmus.report.callback import ScoreReport

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_plan_prints_the_stages_and_the_necks_that_it_derived(config_file, capsys):
    assert main(["plan", "-c", "small.yaml", "--image-size", "32", "64", "--batch-size", "2"]) == 0
    shown = capsys.readouterr().out
    assert "PrithviViT" in shown
    assert "name: ReshapeTokensToImage" in shown
    assert main(["plan", "-c", "small.yaml", "--json"]) == 0
    assert "stages" in json.loads(capsys.readouterr().out)


def test_plan_takes_the_arguments_of_a_factory_alone(config_file, tmp_path, capsys):
    arguments = yaml.safe_load(config_file.read_text())["model"]["init_args"]["model_args"]
    (tmp_path / "parts.yaml").write_text(yaml.safe_dump(arguments))
    assert main(["plan", "-c", "parts.yaml"]) == 0
    assert "PrithviViT" in capsys.readouterr().out


def test_plan_names_every_faulty_part(config_file, capsys):
    assert main(["plan", "-c", "small.yaml", "--model.model_args.decoder", "FCNDecodr", "--model.los", "ce"]) == 2
    error = capsys.readouterr().err
    assert "model.init_args.model_args.decoder: " in error
    assert "model.init_args.los: " in error


def test_plan_names_the_stage_and_the_neck_that_is_missing(config_file, capsys):
    assert main(["plan", "-c", "small.yaml", "--model.model_args.necks", "[]"]) == 2
    error = capsys.readouterr().err
    assert "ReshapeTokensToImage" in error
    assert "Traceback" not in error


def test_stats_prints_and_writes_what_the_configuration_takes(config_file, capsys):
    assert main(["stats", "-c", "small.yaml", "-o", "stats.yaml"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("8 images\n")
    assert "written to stats.yaml" in shown
    written = yaml.safe_load(Path("stats.yaml").read_text())
    assert main(["stats", "-c", "small.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["means"] == pytest.approx(written["means"])
    config = load_config("small.yaml")
    config["data"]["init_args"] |= {"means": "stats.yaml", "stds": "stats.yaml"}
    assert check_config(config, "fit") == []


def test_stats_names_every_fault_of_the_data_and_no_other(config_file, capsys):
    words = ["stats", "-c", "small.yaml", "--data.batch_sise", "3", "--model.los", "ce", "--data.means", "[1, 2]"]
    assert main(words) == 2
    error = capsys.readouterr().err
    assert "data.init_args.batch_sise" in error
    assert "model" not in error
    assert "means" not in error


def test_the_files_of_a_configuration_are_checked(config_file, capsys):
    words = ["--data.train_data_root", "nowhere", "--data.num_classes", "1", "--model.model_args.num_classes", "1"]
    assert main(["fit", "-c", "small.yaml", *words]) == 2
    error = capsys.readouterr().err
    assert "data.init_args.train_data_root: nowhere is not a folder" in error
    assert "data.init_args.num_classes: " in error


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_examples_have_no_fault(path):
    assert check_config(load_config(path), "none") == []


def test_samples_are_taken_at_even_distances():
    torch = pytest.importorskip("torch")
    for sizes, pictures in (([4] * 12, 6), ([8, 8, 3], 6), ([2], 6), ([5] * 100, 6)):
        report = ScoreReport(Path(), pictures=pictures)
        for index, size in enumerate(sizes):
            batch = {"image": torch.full((size, 3, 2, 2), float(index)), "filename": [f"{index}"] * size}
            report._keep(batch, index, len(sizes))
        kept = [int(sample["image"][0, 0, 0, 0]) for sample in report._samples]
        assert len(kept) == min(pictures, sum(sizes))
        assert kept == sorted(kept)
        if len(sizes) >= pictures:
            assert np.diff(kept).min() >= len(sizes) // pictures
