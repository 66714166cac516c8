"""A Lightning callback that turns the end of a validation or a test into tables, files and a picture."""

import math
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from isthmus.predictions import Meaning, PredictedSample, meaning_of
from isthmus.report.split_scores import scores_of
from isthmus.report.summary import write_summary


class ScoreReport(Callback):
    """Reports the scores of a validation or a test when it is run by itself, not between the epochs of a training.

    It puts the scores over all and whatever the task keeps of single ones into words, writes them to `scores.json` and,
    where there is a confusion matrix, `confusion_<split>.csv` and `.png`, and draws some samples in
    `samples_<split>.png`.

    Args:
        folder: where the files go.
        checkpoint: what was scored, to be kept beside the scores.
        pictures: how many samples are drawn, taken at even distances from the split.

    Attributes:
        text: the scores in words and where the files are, when the run has ended.
    """

    def __init__(self, folder: Path, checkpoint: Path | None = None, pictures: int = 6) -> None:
        self.folder = folder
        self.text = ""
        self.checkpoint = checkpoint
        self.pictures = pictures
        self._samples: list[dict[str, Any]] = []

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,  # noqa: ARG002
    ) -> None:
        """Keep some samples."""
        if trainer.state.fn == "validate":
            self._keep(batch, batch_idx, sum(trainer.num_val_batches))

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,  # noqa: ARG002
    ) -> None:
        """Keep some samples."""
        self._keep(batch, batch_idx, sum(trainer.num_test_batches))

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report."""
        if trainer.state.fn == "validate" and trainer.is_global_zero:
            self._report(trainer, pl_module, "val")

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report."""
        if trainer.is_global_zero:
            self._report(trainer, pl_module, "test")

    def _keep(self, batch: Any, batch_idx: int, batches: float) -> None:
        if not isinstance(batch, dict) or not isinstance(batch.get("image"), Tensor) or not math.isfinite(batches):
            return
        size = len(batch["image"])
        a_batch = max(1, math.ceil(self.pictures / batches))  # samples that each batch gives
        every = max(1, int(batches) // self.pictures)
        if batch_idx % every == 0:
            wanted = min(a_batch, size, self.pictures - len(self._samples))
            self._samples += [_one(batch, index * size // max(wanted, 1)) for index in range(wanted)]

    def _report(self, trainer: Trainer, module: LightningModule, split: str) -> None:
        spec = getattr(module, "output_spec", None)
        meaning = None if spec is None else meaning_of(spec)
        found = scores_of(trainer, module, split, () if meaning is None else meaning.names)
        self.text, written = write_summary(self.folder, found, meaning, self.checkpoint)
        if self._samples and meaning is not None:
            written.append(self._draw(trainer, module, split, meaning))
        self.text = "\n\n".join([self.text, "\n".join(f"  {path}" for path in written)])

    def _draw(self, trainer: Trainer, module: LightningModule, split: str, meaning: Meaning[Any]) -> Path:
        datamodule: Any = getattr(trainer, "datamodule", None)
        dataset = getattr(datamodule, f"{split}_dataset", None)
        rgb = getattr(dataset, "rgb_indices", None) or (0, 1, 2)
        total = f" of {len(dataset)}" if dataset is not None else ""
        samples, self._samples = self._samples, []
        path = self.folder / f"samples_{split}.png"
        title = f"{len(samples)}{total} samples of {split}"
        meaning.draw(path, [_predicted(sample, module) for sample in samples], title=title, rgb_indices=rgb)
        return path


def _one(batch: dict[str, Any], index: int) -> dict[str, Any]:
    """A batch of one sample."""
    return {key: value[index : index + 1] if len(value) else value for key, value in batch.items()}


def _predicted(sample: dict[str, Any], module: Any) -> PredictedSample:
    """What the model gives for a sample."""
    truth = module.kind.batch
    inputs = {key: value for key, value in sample.items() if key not in ("image", "filename", truth)}
    with torch.no_grad():
        output = module(sample["image"], **inputs)
    image = sample["image"][0].float().cpu().numpy()
    if image.ndim == 4:
        image = image[:, -1]  # of a time series, the last date
    name = Path(str((sample.get("filename") or [""])[0])).name
    return PredictedSample(image, output, _without_ignored(sample.get(truth), module), name)


def _without_ignored(truth: Tensor | None, module: Any) -> Tensor | None:
    """Values that do not count as NaN; labels as they are, of which those that are no class are drawn as nothing."""
    ignored = getattr(module, "ignore_index", None)
    if truth is None or ignored is None or not truth.is_floating_point():
        return truth
    return truth.masked_fill(truth == ignored, torch.nan)
