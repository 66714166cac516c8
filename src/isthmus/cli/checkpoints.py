"""Checkpoints that are whole or not there, and the way back to them."""

import json
import pickle
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from isthmus.atomic import atomic_path
from isthmus.errors import WeightsError
from isthmus.specs import Preprocessing

SCORES = "scores.json"
STATEMENTS = "isthmus"
BEST, LAST = "best", "last"
FOLDER = "checkpoints"


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside its final place and moves it there when it is whole."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Save a checkpoint; anything but a local path is left to Lightning."""
        if storage_options is not None or "://" in str(path):
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        with atomic_path(path) as temporary:
            torch.save(checkpoint, temporary)


def find_checkpoint(which: str, root: str | Path) -> Path:
    """The best or the last checkpoint of the latest run in a folder.

    Args:
        which: "best" or "last".
        root: the folder of the runs (`trainer.default_root_dir`).

    Raises:
        WeightsError: there is no run, or it cannot be told which checkpoint is the best.
    """
    files = sorted(Path(root).glob(f"**/{FOLDER}/*.ckpt"), key=lambda file: file.stat().st_mtime)
    if not files:
        raise WeightsError(f"there is no checkpoint in {root}; run `isthmus fit` first, or give --ckpt_path")
    folder = files[-1].parent
    files = [file for file in files if file.parent == folder]
    if which == LAST:
        last = [file for file in files if file.stem.startswith(LAST)]
        return last[-1] if last else files[-1]
    chosen = _recorded(folder.parent) or folder / f"{BEST}.ckpt"
    if chosen.is_file():
        return chosen
    others = [file for file in files if not file.stem.startswith(LAST)]
    if len(others) == 1:
        return others[0]
    listed = ", ".join(file.name for file in files)
    raise WeightsError(f"it is not known which checkpoint in {folder} is the best; give one by --ckpt_path: {listed}")


def preprocessing_of(checkpoint: Path) -> Preprocessing | None:
    """What was done to the images that the model of a checkpoint was trained on; None where the file does not say.

    The weights stay on the disk.
    """
    try:
        stored = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True).get(STATEMENTS)
    except (pickle.UnpicklingError, RuntimeError, OSError):
        return None  # said in full where the weights are loaded
    fitted = stored.get("preprocessing") if isinstance(stored, dict) else None
    return None if fitted is None else Preprocessing.from_dict(fitted)


def run_folder_of(checkpoint: Path) -> Path | None:
    """The folder of the run that a checkpoint belongs to; None where it lies elsewhere."""
    return checkpoint.parent.parent if checkpoint.parent.name == FOLDER else None


def _recorded(run: Path) -> Path | None:
    """The checkpoint that training ended with, as the scores of the run say."""
    try:
        recorded = json.loads((run / SCORES).read_text(encoding="utf-8"))["val"]["checkpoint"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return run / FOLDER / Path(recorded).name if isinstance(recorded, str) else None
