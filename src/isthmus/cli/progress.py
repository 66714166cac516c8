"""Progress where nobody watches: a line an epoch, and one a minute in between."""

import time
from collections.abc import Sequence
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar

from isthmus.cli.console import say

_EVERY = 60.0  # seconds


class LineProgress(ProgressBar):
    """Progress as lines of text, for log files and terminals that cannot redraw a line.

    Args:
        shown: the scores of an epoch that are shown, as they are called behind `val/`.
    """

    def __init__(self, shown: Sequence[str] = ("loss",)) -> None:
        super().__init__()
        self._shown = ["train/loss", *(f"val/{name}" for name in shown)]
        self._enabled = True
        self._started = self._spoke = time.monotonic()

    def disable(self) -> None:
        """Say nothing, on all processes but the first."""
        self._enabled = False

    def enable(self) -> None:
        """Say something again."""
        self._enabled = True

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Look at the clock."""
        self._started = self._spoke = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """Say how far the epoch is, once a minute."""
        self._say_step(f"epoch {trainer.current_epoch + 1}, step", batch_idx + 1, self.total_train_batches)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Sum up an epoch of training."""
        if trainer.sanity_checking or trainer.state.fn != "fit" or not self._enabled:
            return
        values = trainer.callback_metrics
        parts = [f"{name} {float(values[name]):.4f}" for name in self._shown if name in values]
        last = f"/{trainer.max_epochs}" if trainer.max_epochs and trainer.max_epochs > 0 else ""
        seconds = time.monotonic() - self._started
        say("  ".join([f"epoch {trainer.current_epoch + 1}{last}", *parts, f"{seconds:.1f} s"]))

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,
        dataloader_idx: int = 0,  # noqa: ARG002
    ) -> None:
        """Say how far the prediction is, once a minute."""
        self._say_step("batch", batch_idx + 1, sum(trainer.num_predict_batches))

    def _say_step(self, what: str, done: int, total: float) -> None:
        now = time.monotonic()
        if self._enabled and now - self._spoke >= _EVERY:
            self._spoke = now
            say(f"{what} {done}/{total:g}")
