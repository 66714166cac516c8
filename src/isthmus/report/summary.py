"""The scores of a split in words and in files."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from isthmus.atomic import write_text
from isthmus.predictions import Meaning
from isthmus.report.confusion import draw_confusion, write_confusion
from isthmus.report.scores import class_scores, scores_text, single_scores_text
from isthmus.report.split_scores import SplitScores

SCORES = "scores.json"


def write_summary(
    folder: Path, scores: Sequence[SplitScores], meaning: Meaning[Any] | None, checkpoint: Path | None
) -> tuple[str, list[Path]]:
    """Write `scores.json` and, where there is a confusion matrix, `confusion_<split>.csv` and `.png`.

    Args:
        folder: where the files go; scores of other splits that are there already stay.
        scores: of each split.
        meaning: of what was scored; None where nobody says.
        checkpoint: what was scored, to be kept beside the scores.

    Returns:
        The scores in words, and the files to look at.
    """
    texts, written = [], [folder / SCORES]
    names, counted = ((), "") if meaning is None else (meaning.names, meaning.counted)
    for each in scores:
        confusion = each.confusion if names else None
        title = f"{each.split} of {checkpoint}" if checkpoint else each.split
        texts.append(scores_text(title, each.metrics, confusion, names, counted))
        record: dict[str, Any] = {"metrics": each.metrics}
        if checkpoint is not None:
            record["checkpoint"] = str(checkpoint)
        if meaning is not None and each.single is not None:
            texts.append(single_scores_text(meaning.each, each.single))
            record[meaning.spec.kind] = each.single
        if meaning is not None and confusion is not None:
            record[meaning.spec.kind] = {
                score.name: {"IoU": score.iou, "F1": score.f1, "accuracy": score.accuracy}
                | {"precision": score.precision, counted: score.pixels}
                for score in class_scores(confusion, names)
            }
            record["confusion"] = confusion.tolist()
            path = folder / f"confusion_{each.split.replace('/', '_')}.png"
            write_confusion(path.with_suffix(".csv"), confusion, names)
            draw_confusion(path, confusion, names, f"confusion on {each.split}")
            written.append(path)
        _update_scores(folder / SCORES, each.split, record)
    return "\n\n".join(texts), written


def _update_scores(path: Path, split: str, record: dict[str, Any]) -> None:
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        scores = {}
    scores[split] = record
    write_text(path, json.dumps(_plain(scores), indent=2) + "\n")


def _plain(value: Any) -> Any:
    """NaN as null: JSON has no NaN."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
