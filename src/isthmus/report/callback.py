"""A Lightning callback that turns the end of a validation or a test into tables, files and a picture."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from isthmus.atomic import write_text
from isthmus.report.confusion import draw_confusion, write_confusion
from isthmus.report.keypoint_pictures import KeypointSample, draw_keypoints
from isthmus.report.palette import default_colors, point_colors
from isthmus.report.pictures import PictureSample, draw_samples
from isthmus.report.scores import class_scores, points_text, scores_text

SCORES = "scores.json"


class ScoreReport(Callback):
    """Reports the scores of a validation or a test when it is run by itself, not between the epochs of a training.

    It puts the scores of all classes, or points, and of each into words, writes them to `scores.json` and, for classes,
    `confusion_<split>.csv` and `.png`, and draws some samples in `samples_<split>.png`.

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
        names = _names(module)
        matrices: dict[str, Tensor] = getattr(module, "confusion", {})
        points: dict[str, dict[str, dict[str, float]]] = getattr(module, "point_scores", {})
        written, texts = [], []
        for key in [key for key in [*matrices, *points] if key.partition("/")[0] == split] or [split]:
            metrics = _metrics(trainer, key, names)
            confusion = matrices[key].numpy() if key in matrices else None
            source = f" of {self.checkpoint}" if self.checkpoint else ""
            texts.append(scores_text(f"{key}{source}", metrics, confusion, names))
            record: dict[str, Any] = {"metrics": metrics}
            if self.checkpoint is not None:
                record["checkpoint"] = str(self.checkpoint)
            if key in points:
                texts.append(points_text(points[key]))
                record["points"] = points[key]
            stem = key.replace("/", "_")
            if confusion is not None:
                record["classes"] = {
                    score.name: {"IoU": score.iou, "F1": score.f1, "accuracy": score.accuracy}
                    | {"precision": score.precision, "pixels": score.pixels}
                    for score in class_scores(confusion, names)
                }
                record["confusion"] = confusion.tolist()
                write_confusion(self.folder / f"confusion_{stem}.csv", confusion, names)
                draw_confusion(self.folder / f"confusion_{stem}.png", confusion, names, f"confusion on {key}")
                written.append(self.folder / f"confusion_{stem}.png")
            _update_scores(self.folder / SCORES, key, record)
        written.insert(0, self.folder / SCORES)
        if self._samples and names:
            written.append(self._draw(trainer, module, split, names))
        self.text = "\n\n".join([*texts, "\n".join(f"  {path}" for path in written)])

    def _draw(self, trainer: Trainer, module: LightningModule, split: str, names: list[str]) -> Path:
        datamodule: Any = getattr(trainer, "datamodule", None)
        dataset = getattr(datamodule, f"{split}_dataset", None)
        rgb = getattr(dataset, "rgb_indices", None) or (0, 1, 2)
        total = f" of {len(dataset)}" if dataset is not None else ""
        samples, self._samples = self._samples, []
        path = self.folder / f"samples_{split}.png"
        title = f"{len(samples)}{total} samples of {split}"
        if hasattr(module, "point_names"):
            found = [_found(sample, module) for sample in samples]
            draw_keypoints(path, found, names, point_colors(len(names)), title=title, rgb_indices=rgb)
            return path
        colours = getattr(module, "class_colors", None) or default_colors(names)
        predicted = [_predicted(sample, module) for sample in samples]
        draw_samples(path, predicted, names, colours, title=title, rgb_indices=rgb)
        return path


def _one(batch: dict[str, Any], index: int) -> dict[str, Any]:
    """A batch of one sample."""
    return {key: value[index : index + 1] if len(value) else value for key, value in batch.items()}


def _names(module: LightningModule) -> list[str]:
    """The names of the classes or points of a task."""
    found = getattr(module, "class_names", None) or getattr(module, "point_names", None) or []
    return [str(name) for name in found]


def _predicted(sample: dict[str, Any], module: LightningModule) -> PictureSample:
    output, image, name = _run(sample, module)
    mask = sample.get("mask")
    label = None if mask is None else mask[0].squeeze().cpu().numpy()
    return PictureSample(image, label, output.output[0].argmax(0).cpu().numpy(), name)


def _found(sample: dict[str, Any], module: Any) -> KeypointSample:
    output, image, name = _run(sample, module)
    true = sample.get("keypoints")
    return KeypointSample(
        image,
        None if true is None else true[0].float().cpu().numpy(),
        module.decide(output)[0, :, :, :2].float().cpu().numpy(),
        output.output[0, : len(module.point_names)].float().cpu().numpy(),
        output.stride,
        name,
    )


def _run(sample: dict[str, Any], module: LightningModule) -> tuple[Any, npt.NDArray[np.floating], str]:
    """What the model gives for a sample, its image as it is drawn, and its name."""
    inputs = {key: value for key, value in sample.items() if key not in ("image", "mask", "keypoints", "filename")}
    with torch.no_grad():
        output = module(sample["image"], **inputs)
    image = sample["image"][0].float().cpu().numpy()
    if image.ndim == 4:
        image = image[:, -1]  # of a time series, the last date
    return output, image, Path(str((sample.get("filename") or [""])[0])).name


def _metrics(trainer: Trainer, split: str, names: list[str]) -> dict[str, float]:
    """What was logged for a split, over all classes."""
    values = {
        name.removeprefix(f"{split}/"): float(value)
        for name, value in trainer.callback_metrics.items()
        if name.startswith(f"{split}/")
    }
    endings = ("_step", "_epoch", *(f"_{name}" for name in names))  # Lightning's two of one value, and single classes
    return {name: value for name, value in values.items() if "/" not in name and not name.endswith(endings)}


def _update_scores(path: Path, split: str, record: dict[str, Any]) -> None:
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        scores = {}
    scores[split] = record
    write_text(path, json.dumps(_plain(scores), indent=2) + "\n")


def _plain(value: Any) -> Any:
    """NaN as null: JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
