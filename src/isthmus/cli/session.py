"""One call of `isthmus fit | validate | test | predict`, from a checked configuration to the end."""

import contextlib
import copy
import logging
import sys
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import yaml
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, ProgressBar
from lightning.pytorch.cli import LightningCLI
from lightning.pytorch.plugins.io import CheckpointIO
from lightning.pytorch.utilities.exceptions import SIGTERMException

from isthmus.atomic import write_text
from isthmus.cli.checkpoints import BEST, LAST, AtomicCheckpointIO, find_checkpoint, preprocessing_of, run_folder_of
from isthmus.cli.console import say
from isthmus.cli.explaining import explained
from isthmus.cli.interruption import Interruption, run_folder
from isthmus.cli.progress import LineProgress
from isthmus.config.bands import with_order_of_model
from isthmus.config.optimizer import with_task_optimizer
from isthmus.datasets.choice import source_of
from isthmus.errors import WeightsError
from isthmus.registry import TASK_REGISTRY
from isthmus.registry.kinds import TaskKind, kind_of_class
from isthmus.report.callback import ScoreReport

INTERRUPTED, TERMINATED = 130, 143
LOG_EVERY = 10  # steps; Lightning's 50 leaves nothing of an epoch on a small set

_CHATTER = (
    ".*does not have many workers.*",
    ".*is smaller than the logging interval.*",
    ".*exists and is not empty.*",
    ".*callbacks used to create the checkpoint need to be provided.*",
    ".*LeafSpec.* is deprecated.*",
    "(?s).*JsonargparseDeprecationWarning.*",
    "(?s).*instantiate_classes.* was deprecated.*",
)


class IsthmusCLI(LightningCLI):
    """LightningCLI on a configuration that is read, checked and complete already."""

    def __init__(self, config: dict[str, Any], callbacks: list[Callback]) -> None:
        super().__init__(
            args=config,
            run=False,
            save_config_callback=None,
            seed_everything_default=0,
            trainer_defaults={"callbacks": callbacks},
            parser_kwargs={"exit_on_error": False},
            load_from_checkpoint_support=False,
        )

    def parse_arguments(self, parser: Any, args: Any) -> None:
        """Take the configuration as it is; the command line has been read already."""
        self.config = parser.parse_object(args)

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Make the trainer, with checkpoints that are written whole."""
        given = self._get(self.config_init, "trainer")["plugins"] or []
        plugins = list(given) if isinstance(given, list) else [given]
        if not any(isinstance(plugin, CheckpointIO) for plugin in plugins):
            plugins.append(AtomicCheckpointIO())
        return super().instantiate_trainer(plugins=plugins, **kwargs)


class SavedConfig(Callback):
    """Keeps the configuration in the folder of the run.

    Args:
        config: what the run was started with, ready to start another.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: ARG002
        """Write `config.yaml` before training begins."""
        if stage == "fit" and trainer.is_global_zero:
            text = yaml.safe_dump(self.config, sort_keys=False, allow_unicode=True)
            write_text(run_folder(trainer) / "config.yaml", text)


class Session:
    """What a call needs to know.

    Args:
        config: a configuration without faults, with full class paths.
        subcommand: fit, validate, test or predict.
        checkpoint: a path, "best" or "last"; None for a new training, or the best checkpoint otherwise.
        output: the folder for the maps of `predict`.
    """

    def __init__(
        self, config: dict[str, Any], subcommand: str, checkpoint: str | None = None, output: str | None = None
    ) -> None:
        self.config = config
        self.subcommand = subcommand
        self.output = output
        self.root = Path(config["trainer"]["default_root_dir"])
        self.checkpoint = self._find(checkpoint)
        self.kind = kind_of_class(TASK_REGISTRY, config["model"]["class_path"], TaskKind)
        self.interruption = Interruption()

    def run(self) -> int:
        """Do what was asked for.

        Returns:
            The exit status.
        """
        try:
            with _quiet(), _tiny_numbers_as_zero(), explained(self.checkpoint):
                cli = self.build()
                getattr(self, f"_{self.subcommand}")(cli)
        except SIGTERMException:
            return INTERRUPTED if self.interruption.noted else TERMINATED
        except (SystemExit, RuntimeError) as error:
            if self.interruption.noted or isinstance(error, SystemExit):
                return INTERRUPTED  # Lightning leaves with 1 after Ctrl-C; workers that die of it raise RuntimeError
            raise
        return 0

    def build(self) -> IsthmusCLI:
        """The trainer, the model and the data of the configuration."""
        callbacks = self._callbacks()
        config = with_order_of_model(with_task_optimizer(self.config))
        config.pop("ckpt_path", None)
        config.pop("predict_output_dir", None)
        trainer = config["trainer"]
        if trainer.get("logger", True) is True:
            trainer["logger"] = self._default_logger()
        trainer.setdefault("enable_model_summary", False)
        trainer.setdefault("log_every_n_steps", LOG_EVERY)
        if self.subcommand == "fit" and not self.validated:
            trainer |= {"limit_val_batches": 0, "num_sanity_val_steps": 0}
        cli = IsthmusCLI(config, callbacks)
        fitted = None if self.checkpoint is None else preprocessing_of(self.checkpoint)
        if fitted is not None and hasattr(cli.datamodule, "preprocessing"):
            cli.datamodule.preprocessing = fitted  # what the model was trained on, not what the folder holds today
        return cli

    # --- the four commands --------------------------------------------------------------------------------------------

    def _fit(self, cli: IsthmusCLI) -> None:
        trainer: Any = cli.trainer
        _describe(cli.model)
        say(f"run folder: {run_folder(trainer)}")
        trainer.fit(cli.model, datamodule=cli.datamodule, ckpt_path=self.checkpoint, weights_only=True)
        best = getattr(trainer.checkpoint_callback, "best_model_path", "") or None
        if best is not None:
            say(f"\nbest checkpoint: {best}")
        if sum(trainer.num_val_batches or [0]) and not trainer.fast_dev_run:
            folder = run_folder(trainer)
            trainer.loggers = []  # the epochs are logged; this is about one of them
            self._score(cli, trainer.validate, folder, None if best is None else Path(best))

    def _validate(self, cli: IsthmusCLI) -> None:
        self._score(cli, cli.trainer.validate, self.folder, self.checkpoint)

    def _test(self, cli: IsthmusCLI) -> None:
        self._score(cli, cli.trainer.test, self.folder, self.checkpoint)

    def _score(self, cli: IsthmusCLI, score: Any, folder: Path, checkpoint: Path | None) -> None:
        trainer: Any = cli.trainer
        report = ScoreReport(folder, checkpoint)
        trainer.callbacks.append(report)
        score(cli.model, datamodule=cli.datamodule, ckpt_path=checkpoint, verbose=False, weights_only=True)
        if report.text:
            say(f"\n{report.text}")

    def _predict(self, cli: IsthmusCLI) -> None:
        from isthmus.cli.prediction_writer import PredictionWriter

        trainer: Any = cli.trainer
        trainer.callbacks.append(PredictionWriter(Path(self.output) if self.output else self.folder / "predictions"))
        trainer.predict(
            cli.model,
            datamodule=cli.datamodule,
            return_predictions=False,
            ckpt_path=self.checkpoint,
            weights_only=True,
        )

    # --- what is filled in --------------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """Where results go: the folder of the run that the checkpoint belongs to, or else the root."""
        own = run_folder_of(self.checkpoint) if self.checkpoint is not None else None
        return own or self.root

    @property
    def validated(self) -> bool:
        """Whether there is something to validate on."""
        data = self.config["data"]
        init, path = data.get("init_args") or {}, data["class_path"]
        source = source_of(path, init)
        return (source is None or source.has("val")) and self.config["trainer"].get("limit_val_batches", 1) != 0

    def _find(self, checkpoint: str | None) -> Path | None:
        if checkpoint is None and self.subcommand == "fit":
            return None
        if checkpoint in (None, BEST, LAST):
            found = find_checkpoint(checkpoint or BEST, self.root)
            say(f"checkpoint: {found}")
            return found
        path = Path(str(checkpoint))
        if not path.is_file():
            raise WeightsError(f"--ckpt_path: there is no checkpoint {path}")
        if not zipfile.is_zipfile(path):
            raise WeightsError(f"--ckpt_path: {path} is no checkpoint, or is damaged")
        return path

    def _default_logger(self) -> Any:
        """Metrics as CSV for a training; one that goes on writes to the folder where it began."""
        if self.subcommand != "fit":
            return False
        version = None
        run = run_folder_of(self.checkpoint) if self.checkpoint is not None else None
        if run is not None and run.parent == self.root and run.name.startswith("version_"):
            version = int(run.name.removeprefix("version_"))
            _keep_metrics(run)
        return {
            "class_path": "lightning.pytorch.loggers.CSVLogger",
            "init_args": {"save_dir": str(self.root), "name": "", "version": version},
        }

    def _callbacks(self) -> list[Callback]:
        trainer = self.config["trainer"]
        named = [str(item.get("class_path", "")) for item in trainer.get("callbacks") or []]
        callbacks: list[Callback] = []
        if self.subcommand == "fit":
            callbacks += [SavedConfig(copy.deepcopy(self.config)), self.interruption]
            if trainer.get("enable_checkpointing", True) and not any("ModelCheckpoint" in name for name in named):
                callbacks.append(self._model_checkpoint())
        if trainer.get("enable_progress_bar", True) and not any(name.endswith("ProgressBar") for name in named):
            callbacks.append(_progress(self.kind))
        return callbacks

    def _model_checkpoint(self) -> ModelCheckpoint:
        monitor, mode = ("val/loss", "min") if self.kind is None else (self.kind.monitor, self.kind.mode)
        return ModelCheckpoint(
            monitor=monitor if self.validated else None,
            mode=mode,
            filename=BEST,
            save_last=True,
            auto_insert_metric_name=False,
            enable_version_counter=False,
        )


def _progress(kind: TaskKind | None) -> ProgressBar:
    if not sys.stdout.isatty():
        return LineProgress(("loss",) if kind is None else kind.shown)
    from lightning.pytorch.callbacks import RichProgressBar

    return RichProgressBar()


def _describe(model: LightningModule) -> None:
    counts = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    total, trained = sum(count for count, _ in counts), sum(count for count, learns in counts if learns)
    say(f"model: {total:,} parameters, {trained:,} of them trained")


def _keep_metrics(run: Path) -> None:
    """Move the metrics of earlier epochs aside; the logger begins a new file."""
    metrics = run / "metrics.csv"
    if metrics.is_file():
        number = 1 + sum(1 for _ in run.glob("metrics_*.csv"))
        metrics.replace(run / f"metrics_{number}.csv")


@contextlib.contextmanager
def _tiny_numbers_as_zero() -> Iterator[None]:
    """Take what is below 1e-38 as zero, in this thread and in those that start within.

    Under weight decay dead units leave such weights, with which processors compute many times slower.
    """
    before = sys.float_info.min / 2 == 0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what Lightning says about itself."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        for message in _CHATTER:
            warnings.filterwarnings("ignore", message)
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
