"""What the studies in this folder share: training and testing a configuration once for each seed."""

import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.atomic import write_text
from isthmus.cli import main as isthmus


@dataclass(frozen=True)
class Run:
    """A trained model and what it scored.

    Attributes:
        config: its configuration.
        seed: its seed.
        folder: where its files are.
        scores: what `isthmus test` wrote, by split.
        minutes: how long the training took; None where nobody knows any more.
    """

    config: Path
    seed: int
    folder: Path
    scores: dict[str, Any]
    minutes: float | None


def train_and_test(config: Path, seed: int, root: Path, *, keep: bool, overrides: Sequence[str] = ()) -> Run:
    """Train a model, choose its checkpoint on val, test it.

    Args:
        config: the configuration.
        seed: of the weights and of the order of the samples.
        root: where the runs of the study are.
        keep: whether a run that is there already is tested only.
        overrides: further words of the command line.
    """
    place = root / f"{config.stem}_seed{seed}"
    words = ["-c", str(config), "--seed_everything", str(seed), "--trainer.default_root_dir", str(place), *overrides]
    minutes = None
    if not keep or not list(place.glob("version_*/checkpoints/best.ckpt")):
        sys.stdout.write(f"\n== {config}, seed {seed}\n")
        begin = time.monotonic()
        command("fit", *words)
        minutes = (time.monotonic() - begin) / 60
    else:
        command("validate", *words)  # a training ends with that by itself
    command("test", *words)
    folder = max(place.glob("version_*/checkpoints/best.ckpt"), key=lambda path: path.stat().st_mtime).parent.parent
    if minutes is not None:
        write_text(folder / "minutes.txt", f"{minutes:.1f}\n")
    elif (folder / "minutes.txt").is_file():
        minutes = float((folder / "minutes.txt").read_text())
    return Run(config, seed, folder, json.loads((folder / "scores.json").read_text()), minutes)


def command(*words: str) -> None:
    """Run a command of Isthmus; stop where it fails."""
    if isthmus(words) != 0:
        sys.exit(f"stopped at: isthmus {' '.join(words)}")


def copy_picture(run: Run, folder: Path, document: Path) -> str:
    """Copy the picture of the test samples beside a document.

    Returns:
        Its path, as the document names it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    picture = folder / f"{run.config.stem}_test.png"
    shutil.copyfile(run.folder / "samples_test.png", picture)
    return str(picture.relative_to(document.parent))
