"""`isthmus fit | validate | test | predict`: put the configuration together, check it, and hand it to Lightning."""

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

from isthmus.config.check import check_config
from isthmus.config.class_paths import qualify_class_paths
from isthmus.config.merging import apply_overrides, merge_configs
from isthmus.config_file import load_config
from isthmus.errors import ConfigError

RUNS = "runs"

_ABOUT = {
    "fit": "Train a model and score its best checkpoint on the validation split.",
    "validate": "Score a checkpoint on the validation split.",
    "test": "Score a checkpoint on the test split.",
    "predict": "Predict every image in `data.init_args.predict_data_root` and write a map or its points for each.",
}
_CHECKPOINT = {
    "fit": "go on with a training: a path, or `last` for that of the latest run",
    "validate": "what to score: a path, `best` (the default) or `last` of the latest run",
    "test": "what to score: a path, `best` (the default) or `last` of the latest run",
    "predict": "what to predict with: a path, `best` (the default) or `last` of the latest run",
}


def run(name: str, words: list[str]) -> int:
    """Answer `isthmus fit`, `validate`, `test` or `predict`."""
    given, overrides = _parser(name).parse_known_args(words)
    config = assemble(given.config, overrides)
    if given.print_config:
        sys.stdout.write(yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
        return 0
    source = " and ".join(given.config) if given.config else "the configuration"
    faults = check_config(config, name)
    if faults:
        raise ConfigError(faults, source)
    checkpoint = given.ckpt_path or config.pop("ckpt_path", None)
    output = given.predict_output_dir or config.pop("predict_output_dir", None)
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # classes of the user, as `python -m` would find them

    from isthmus.cli.session import Session  # imports Lightning

    return Session(config, name, checkpoint, output).run()


def read_config(paths: list[str], overrides: list[str]) -> dict[str, Any]:
    """One configuration of files and overrides, with full class paths where the classes are known.

    Raises:
        ConfigError: a file cannot be read, or an override leads nowhere.
    """
    config = apply_overrides(merge_configs([load_config(path) for path in paths]), overrides)
    qualified, _ = qualify_class_paths(config)
    return qualified


def assemble(paths: list[str], overrides: list[str]) -> dict[str, Any]:
    """A configuration with the defaults of the command.

    The seed is 0, and without a `default_root_dir` runs are kept in `runs/<name of the first file>`.

    Raises:
        ConfigError: a file cannot be read, or an override leads nowhere.
    """
    config = read_config(paths, overrides)
    config.setdefault("seed_everything", 0)
    if config.get("trainer") is None:
        config["trainer"] = {}
    trainer = config["trainer"]
    if isinstance(trainer, dict) and trainer.get("default_root_dir") is None:
        trainer["default_root_dir"] = str(Path(RUNS, Path(paths[0]).stem if paths else "unnamed"))
    return config


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        f"isthmus {name}",
        description=_ABOUT[name],
        epilog="Every value of the configuration can be set here too, as in `--trainer.max_epochs 5` or "
        "`--model.init_args.lr 1e-4`; the arguments of the trainer are those of lightning.pytorch.Trainer. Runs are "
        "kept in runs/<name of the configuration>/ unless `trainer.default_root_dir` says otherwise.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "-c", "--config", action="append", default=[], metavar="FILE", help="a YAML file; later ones win over earlier"
    )
    parser.add_argument("--ckpt_path", metavar="CKPT", help=_CHECKPOINT[name])
    parser.add_argument(
        "--predict_output_dir",
        metavar="DIR",
        help="where the maps go (predict); by default `predictions` in the folder of the run",
    )
    parser.add_argument("--print_config", action="store_true", help="show the configuration as it would run, and stop")
    return parser
