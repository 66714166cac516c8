"""What a validation or a test has found out: scores over all, and what the task keeps of single names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from lightning.pytorch import Trainer


@dataclass(frozen=True, slots=True)
class SplitScores:
    """The scores of a split.

    Attributes:
        split: "val", "test" or, of one of several test sets, "test/<name>".
        metrics: the scores over all, by name.
        confusion: `(K, K)` counts, rows truth, columns prediction; None where the task keeps none.
        single: other scores of each name that the output has, by name and score; None where the task keeps none.
    """

    split: str
    metrics: Mapping[str, float]
    confusion: npt.NDArray[np.integer] | None = None
    single: Mapping[str, Mapping[str, float]] | None = None


def scores_of(trainer: Trainer, task: Any, split: str, names: Sequence[str]) -> list[SplitScores]:
    """The scores of a split, or of each of its parts.

    Args:
        trainer: what has just validated or tested.
        task: keeps confusion matrices in `confusion` and scores of single names in `single_scores`, if anything.
        split: "val" or "test".
        names: what the output of the task is of; their own metrics are left out.
    """
    matrices, single = getattr(task, "confusion", {}), getattr(task, "single_scores", {})
    parts = [key for key in [*matrices, *single] if key.partition("/")[0] == split] or [split]
    return [
        SplitScores(
            part, _metrics(trainer, part, names), matrices[part].numpy() if part in matrices else None, single.get(part)
        )
        for part in parts
    ]


def _metrics(trainer: Trainer, split: str, names: Sequence[str]) -> dict[str, float]:
    """What was logged for a split, over all classes."""
    values = {
        name.removeprefix(f"{split}/"): float(value)
        for name, value in trainer.callback_metrics.items()
        if name.startswith(f"{split}/")
    }
    endings = ("_step", "_epoch", *(f"_{name}" for name in names))  # Lightning's two of one value, and single classes
    return {name: value for name, value in values.items() if "/" not in name and not name.endswith(endings)}
