"""The command without torch: help, version, list, and what becomes of mistakes."""

import json
import subprocess
import sys

import pytest

from isthmus.cli import main
from isthmus.cli.dispatcher import COMMANDS
from isthmus.errors import DataError

HEAVY = (
    "torch",
    "lightning",
    "timm",
    "torchvision",
    "numpy",
    "rasterio",
    "segmentation_models_pytorch",
    "jsonargparse",
)


def imported_by(*words):
    """Which heavy packages answering these words imports, in a fresh interpreter."""
    script = (
        "import sys; from isthmus.cli import main; status = main(sys.argv[1:]); "
        f"sys.stderr.write(repr((status, [name for name in {HEAVY!r} if name in sys.modules])))"
    )
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=True)
    return done.stderr


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--help"],
        ["--version"],
        ["list"],
        ["list", "backbones", "--json"],
        ["list", "timm_resnet18"],
        ["fit", "--help"],
        ["plan", "--help"],
        ["stats", "--help"],
        ["demo", "--help"],
    ],
)
def test_a_quick_answer_imports_nothing_heavy(words):
    assert imported_by(*words).endswith("(0, [])")


def test_help_names_every_command(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {name} " in shown for name in COMMANDS)


def test_a_misspelt_command_is_a_mistake_without_a_traceback(capsys):
    assert main(["tran"]) == 2
    assert capsys.readouterr().err == (
        "isthmus: there is no command 'tran'; there are: fit, validate, test, predict, plan, list, stats, demo\n"
    )
    assert main(["vlidate"]) == 2
    assert capsys.readouterr().err == "isthmus: there is no command 'vlidate'; did you mean 'validate'?\n"


def test_debug_shows_where_an_error_arose(capsys, monkeypatch):
    assert main(["--debug", "vlidate"]) == 2
    assert "Traceback" in capsys.readouterr().err
    monkeypatch.setenv("ISTHMUS_DEBUG", "1")
    assert main(["vlidate"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_an_unknown_option_is_a_mistake(capsys):
    assert main(["list", "--nonsense"]) == 2
    assert "--nonsense" in capsys.readouterr().err


def test_ctrl_c_has_its_own_status(monkeypatch):
    monkeypatch.setattr("isthmus.cli.list.run", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert main(["list"]) == 130


def test_every_fault_of_a_configuration_is_told_with_its_key(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.yaml").write_text("modle: 1\ntrainer: {max_epoch: 3}\n")
    assert main(["fit", "-c", "bad.yaml"]) == 2
    assert capsys.readouterr().err == (
        "isthmus: bad.yaml has 4 faults:\n"
        "  modle: there is no section 'modle'; did you mean 'model'?\n"
        "  model: is missing; expected the class_path and init_args of a task, such as SemanticSegmentationTask\n"
        "  data: is missing; expected the class_path and init_args of a datamodule\n"
        "  trainer.max_epoch: the trainer has no argument 'max_epoch'; "
        "did you mean 'max_epochs' or 'min_epochs' or 'max_steps'?\n"
    )


def test_a_fault_is_found_before_torch_is_imported(tmp_path):
    (tmp_path / "bad.yaml").write_text("modle: 1\n")
    assert imported_by("fit", "-c", str(tmp_path / "bad.yaml")).endswith("(2, [])")


def test_print_config_shows_what_would_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flood.yaml").write_text("model: SemanticSegmentationTask\n")
    assert main(["fit", "-c", "flood.yaml", "--print_config", "--trainer.max_epochs", "7"]) == 0
    shown = capsys.readouterr().out
    assert "class_path: isthmus.tasks.SemanticSegmentationTask" in shown
    assert "max_epochs: 7" in shown
    assert "default_root_dir: runs/flood" in shown
    assert "seed_everything: 0" in shown


def test_an_error_from_a_worker_is_told_without_its_traceback(monkeypatch, capsys):
    wrapped = (
        "Caught DataError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n"
        '  File "x.py", line 1, in <module>\n    y\nisthmus.errors.DataError: a.tif has 2 missing values: no\n'
    )
    monkeypatch.setattr("isthmus.cli.list.run", lambda *_: (_ for _ in ()).throw(DataError(wrapped)))
    assert main(["list"]) == 2
    assert capsys.readouterr().err == "isthmus: a.tif has 2 missing values: no\n"


def test_list_counts_the_parts_of_others_and_names_its_own(capsys):
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    assert "ReshapeTokensToImage" in shown
    assert "\nprithvi " in shown
    assert "each of them: isthmus list backbones" in shown
    assert "from timm: isthmus list backbones --source timm" in shown
    assert "timm_resnet18" not in shown
    assert len(shown.splitlines()) < 120  # of eleven kinds


def test_list_takes_a_pattern_with_or_without_a_kind(capsys):
    assert main(["list", "backbones", "timm_resnet1?"]) == 0
    assert "timm_resnet18" in capsys.readouterr().out
    assert main(["list", "unetdecoder"]) == 0
    assert capsys.readouterr().out.startswith("UNetDecoder  (decoder)\n")


def test_list_proposes_the_nearest_name(capsys):
    assert main(["list", "timm_resnet81"]) == 2
    assert "nothing is called 'timm_resnet81'; did you mean 'timm_resnet18'" in capsys.readouterr().err
    assert main(["list", "backbnes", "x"]) == 2
    assert "did you mean 'backbones'?" in capsys.readouterr().err


def test_list_gives_every_fact_as_json(capsys):
    assert main(["list", "backbones", "--source", "isthmus", "--json"]) == 0
    records = {record["name"]: record for record in json.loads(capsys.readouterr().out)}
    assert records["prithvi_eo_v2_300"]["kind"] == "backbone"
    assert records["prithvi_eo_v2_300"]["bands"] == ["BLUE", "GREEN", "RED", "NIR_NARROW", "SWIR_1", "SWIR_2"]
    assert main(["list", "no such thing", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
