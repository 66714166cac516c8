"""Reading configuration files and putting them together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.config.annotations import fits
from isthmus.config.merging import apply_overrides, merge_configs
from isthmus.config.optimizer import with_task_optimizer
from isthmus.config_file import load_config, parse_value
from isthmus.errors import ConfigError


def written(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("text", ["1e-4", "1.0e-4", "1E-4", "+1e-4", ".1e-3", "1.e-4"])
def test_scientific_notation_is_a_number(tmp_path, text):
    assert load_config(written(tmp_path, f"lr: {text}")) == {"lr": 1e-4}
    assert parse_value(text) == 1e-4


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_that_python_writes_is_read_back(number):
    assert parse_value(repr(number)) == number


@pytest.mark.parametrize("text", ["e5", "1e", "v1e-4", "12e4a", "1e-4 m"])
def test_what_only_looks_like_a_number_is_text(text):
    assert parse_value(text) == text


def test_a_key_that_comes_twice_is_a_fault_with_both_lines(tmp_path):
    path = written(tmp_path, "model:\n  lr: 1\n  loss: ce\n  lr: 2\n")
    with pytest.raises(ConfigError, match=r"line 4, column 3: the key 'lr' was given already in line 2"):
        load_config(path)


def test_a_syntax_error_names_the_line(tmp_path):
    with pytest.raises(ConfigError, match=r"config\.yaml has 1 fault:\n  line 3, column 2: expected"):
        load_config(written(tmp_path, "a: 1\nb: [1, 2\nc: 3\n"))


@pytest.mark.parametrize(("text", "found"), [("", "nothing"), ("- 1\n- 2\n", "a list"), ("word", "a str")])
def test_something_else_than_keys_is_a_fault(tmp_path, text, found):
    with pytest.raises(ConfigError, match=f"found {found}"):
        load_config(written(tmp_path, text))


def test_tags_that_run_code_are_a_fault(tmp_path):
    with pytest.raises(ConfigError, match="could not determine a constructor"):
        load_config(written(tmp_path, "a: !!python/object/apply:os.system ['true']\n"))


def test_a_missing_file_shows_those_beside_it(tmp_path):
    written(tmp_path, "a: 1")
    with pytest.raises(ConfigError, match=r"there is no such file; beside it there are: config\.yaml"):
        load_config(tmp_path / "confg.yaml")


def test_later_files_win_key_by_key_and_lists_are_replaced():
    merged = merge_configs([{"a": {"b": 1, "c": [1, 2]}, "d": 4}, {"a": {"c": [3]}}])
    assert merged == {"a": {"b": 1, "c": [3]}, "d": 4}


def test_another_class_drops_the_arguments_of_the_first():
    base = {"model": {"class_path": "A", "init_args": {"x": 1}}}
    assert merge_configs([base, {"model": {"class_path": "B"}}]) == {"model": {"class_path": "B"}}
    kept = merge_configs([base, {"model": {"class_path": "A", "init_args": {"y": 2}}}])
    assert kept["model"]["init_args"] == {"x": 1, "y": 2}


def test_overrides_reach_everywhere():
    config = {"model": {"class_path": "A", "init_args": {"lr": 1}}, "trainer": {"callbacks": [{"class_path": "C"}]}}
    changed = apply_overrides(
        config,
        [
            "--model.init_args.lr",
            "1e-4",
            "--model.loss=dice",
            "--trainer.callbacks.0.patience",
            "-1",
            "--trainer.max_epochs",
            "5",
            "--data.init_args.bands",
            "[RED, 1]",
            "--data.init_args.grep=*.tif",
        ],
    )
    assert changed == {
        "model": {"class_path": "A", "init_args": {"lr": 1e-4, "loss": "dice"}},
        "trainer": {"callbacks": [{"class_path": "C", "init_args": {"patience": -1}}], "max_epochs": 5},
        "data": {"init_args": {"bands": ["RED", 1], "grep": "*.tif"}},
    }
    assert config["model"]["init_args"]["lr"] == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["max_epochs", "5"], "expected an override such as --trainer.max_epochs 5"),
        (["--trainer.max_epochs"], "no value was given"),
        (["--trainer.max_epochs", "--model.lr", "1"], "no value was given"),
        (["--list.7", "1"], "'7' is no position in a list of 2"),
    ],
)
def test_an_override_that_leads_nowhere(words, message):
    with pytest.raises(ConfigError, match=message):
        apply_overrides({"list": [1, 2]}, words)


def test_the_optimiser_of_a_configuration_is_told_to_the_task():
    config = {
        "model": {"class_path": "isthmus.tasks.SemanticSegmentationTask", "init_args": {"lr_overrides": {"enc": 1e-5}}},
        "optimizer": {"class_path": "torch.optim.AdamW", "init_args": {"lr": 1e-4, "weight_decay": 0.1}},
        "lr_scheduler": {
            "class_path": "lightning.pytorch.cli.ReduceLROnPlateau",
            "init_args": {"monitor": "val/mIoU", "patience": 3},
        },
    }
    moved = with_task_optimizer(config)
    assert list(moved) == ["model"]
    assert moved["model"]["init_args"] == {
        "lr_overrides": {"enc": 1e-5},
        "optimizer": "AdamW",
        "lr": 1e-4,
        "optimizer_hparams": {"weight_decay": 0.1},
        "scheduler": "ReduceLROnPlateau",
        "scheduler_hparams": {"monitor": "val/mIoU", "patience": 3},
    }


def test_the_optimiser_of_another_task_stays_where_it_is():
    config = {"model": {"class_path": "mine.Task"}, "optimizer": {"class_path": "torch.optim.AdamW"}}
    assert with_task_optimizer(config) == config


@pytest.mark.parametrize(
    ("annotation", "good", "bad"),
    [
        ("int", [1], [True, 1.5, "1", None]),
        ("float | None", [1, 1.5, None], ["1", [1.0]]),
        ("Optional[Union[int, str]]", [1, "a", None], [1.5]),
        ("list[str | int | list[int]] | None", [["a", 1, [1, 2]], None], [["a", 1.5], "a"]),
        ("Sequence[float]", [[1, 2.5]], ["12", [None]]),
        ("dict[str, float]", [{"a": 1}], [{"a": "b"}, [1]]),
        ("tuple[int, ...]", [[1, 2, 3]], [[1, "a"]]),
        ("tuple[int, str]", [[1, "a"]], [[1], [1, 2]]),
        ("Literal['min', 'max']", ["min"], ["mean"]),
        ("str | Path", ["a"], [1]),
        ("nn.Module | list[nn.Module]", [1, {"class_path": "X"}, []], []),
        ("'int'", [1], ["a"]),
        ("not python(", [1, "a"], []),
        (None, [1], []),
    ],
)
def test_plain_values_are_held_against_annotations(annotation, good, bad):
    assert all(fits(annotation, value) for value in good)
    assert not any(fits(annotation, value) for value in bad)
