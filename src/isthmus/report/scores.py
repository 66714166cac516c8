"""Scores in words, and those of each class from a confusion matrix."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.report.text_table import text_table

_WIDEST = 10  # classes whose confusion matrix still reads well in a terminal


@dataclass(frozen=True, slots=True)
class ClassScore:
    """The scores of one class; NaN where neither the truth nor the prediction holds it.

    Attributes:
        name: the class.
        iou: intersection over union.
        f1: harmonic mean of precision and accuracy.
        accuracy: the share of its pixels that are found (also called recall).
        precision: the share of what is found that is right.
        pixels: how many pixels (or images, where those are classified) of the truth belong to it.
    """

    name: str
    iou: float
    f1: float
    accuracy: float
    precision: float
    pixels: int


def class_scores(confusion: npt.NDArray[np.integer], names: Sequence[str]) -> list[ClassScore]:
    """The scores of each class.

    Args:
        confusion: `(K, K)` counts, rows truth, columns prediction.
        names: the names of the classes.
    """
    scores = []
    for index, name in enumerate(names):
        hit = int(confusion[index, index])
        truth, found = int(confusion[index].sum()), int(confusion[:, index].sum())
        scores.append(
            ClassScore(
                name,
                iou=_ratio(hit, truth + found - hit),
                f1=_ratio(2 * hit, truth + found),
                accuracy=_ratio(hit, truth) if truth or not found else 0.0,
                precision=_ratio(hit, found) if found or not truth else 0.0,
                pixels=truth,
            )
        )
    return scores


def scores_text(
    title: str,
    metrics: Mapping[str, float],
    confusion: npt.NDArray[np.integer] | None,
    names: Sequence[str],
    counted: str = "pixels",
) -> str:
    """The scores of a split as text: over all classes, of each class, and what was taken for what.

    Args:
        title: what was scored.
        metrics: the scores over all classes by name.
        confusion: `(K, K)`, rows truth, columns prediction; None where there is none.
        names: the names of the classes.
        counted: what the confusion counts.
    """
    parts = [title, text_table(list(metrics), [[_show(value) for value in metrics.values()]], numbers=list(metrics))]
    if confusion is not None:
        header = ["class", "IoU", "F1", "accuracy", "precision", counted]
        rows = [
            [score.name, _show(score.iou), _show(score.f1), _show(score.accuracy), _show(score.precision), score.pixels]
            for score in class_scores(confusion, names)
        ]
        parts.append(text_table(header, rows, numbers=header[1:]))
        if len(names) <= _WIDEST:
            parts.append(_confusion_text(confusion, names, counted))
    return "\n\n".join(parts)


def single_scores_text(what: str, scores: Mapping[str, Mapping[str, float]]) -> str:
    """The scores of each name that an output has as a table.

    Args:
        what: stands above the names, such as "point".
        scores: by name, then by score; counts are whole numbers.
    """
    header = [what, *next(iter(scores.values()), {})]
    rows = [
        [name, *(value if isinstance(value, int) else _show(value) for value in values.values())]
        for name, values in scores.items()
    ]
    return text_table(header, rows, numbers=header[1:])


def row_shares(confusion: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """Each count as a share of its row; NaN in rows that are empty."""
    totals = confusion.sum(1, keepdims=True).astype(np.float64)
    totals[totals == 0] = np.nan
    return np.asarray(confusion / totals)


def _confusion_text(confusion: npt.NDArray[np.integer], names: Sequence[str], counted: str) -> str:
    shares = 100 * row_shares(confusion)
    rows = [
        [name, *("-" if math.isnan(share) else f"{share:.1f} %" for share in row)]
        for name, row in zip(names, shares, strict=True)
    ]
    table = text_table(["truth \\ predicted", *names], rows, numbers=names)
    return f"of the {counted} of each class (row), what was predicted:\n{table}"


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _show(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"
