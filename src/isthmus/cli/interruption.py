"""Stopping a training so that it can go on."""

import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from isthmus.cli.checkpoints import FOLDER, LAST
from isthmus.cli.console import say

_STANDARD_OUTPUT = 1


class Interruption(Callback):
    """Ends training between two steps on Ctrl-C or SIGTERM, and keeps its state in `last.ckpt`.

    A step that is cut in two leaves weights that no training would give; so the first Ctrl-C waits for its end, as
    Lightning does for SIGTERM. The second one stops at once, and keeps nothing.

    Attributes:
        noted: whether Ctrl-C was pressed.
    """

    def __init__(self) -> None:
        self.noted = False
        self._before: Any = None
        self._process = os.getpid()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Take over Ctrl-C."""
        if threading.current_thread() is threading.main_thread() and sys.platform != "win32":
            self._before = signal.signal(signal.SIGINT, self._on_interrupt)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Give Ctrl-C back."""
        self._restore()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:  # noqa: ARG002
        """Keep the state of an interrupted training."""
        self._restore()
        interrupted = self.noted or type(exception).__name__ == "SIGTERMException"
        at_once = isinstance(exception, KeyboardInterrupt)
        if at_once or not interrupted or trainer.sanity_checking or trainer.global_step == 0:
            return
        path = checkpoint_folder(trainer) / f"{LAST}.ckpt"
        trainer.save_checkpoint(path)
        if trainer.is_global_zero:
            say(f"the training is kept in {path}; go on with it by --ckpt_path {LAST}")

    def _on_interrupt(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if os.getpid() != self._process:
            return  # a worker that reads data: it hears Ctrl-C too, and is ended by the process that trains
        if self.noted:
            raise KeyboardInterrupt
        self.noted = True
        # past Python's buffers, which must not be entered twice: the signal may have come in the middle of a line
        os.write(_STANDARD_OUTPUT, b"\nstopping after this step (press Ctrl-C again to stop at once)\n")
        signal.raise_signal(signal.SIGTERM)

    def _restore(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None


def checkpoint_folder(trainer: Trainer) -> Path:
    """Where the checkpoints of a run are kept."""
    callback = trainer.checkpoint_callback
    folder = getattr(callback, "dirpath", None)
    return Path(folder) if folder is not None else run_folder(trainer) / FOLDER


def run_folder(trainer: Trainer) -> Path:
    """The folder of a run: where its logger writes, or else the root of all runs."""
    return Path(trainer.log_dir or trainer.default_root_dir)
