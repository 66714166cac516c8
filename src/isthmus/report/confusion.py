"""A confusion matrix as a table in a file and as a picture."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isthmus.atomic import atomic_path
from isthmus.report.scores import row_shares

_NUMBERED = 16  # classes up to which every cell shows its number


def write_confusion(path: str | Path, confusion: npt.NDArray[np.integer], names: Sequence[str]) -> None:
    """Write the counts as CSV, rows truth, columns prediction."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["truth \\ predicted", *names])
        writer.writerows([name, *row.tolist()] for name, row in zip(names, confusion, strict=True))


def draw_confusion(path: str | Path, confusion: npt.NDArray[np.integer], names: Sequence[str], title: str) -> None:
    """Draw the share of each class that was predicted as each class, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shares = row_shares(confusion)
    count = len(names)
    cell = 0.8 if count <= _NUMBERED else 0.35
    width = max(4.2, 1.6 + cell * count)
    figure = Figure(figsize=(width, max(3.4, 1.2 + cell * count)), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(count), names, rotation=35 if count > 3 else 0, ha="right" if count > 3 else "center")
    axes.set_yticks(range(count), names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("truth")
    axes.set_title(title, fontsize=10)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for row, column in np.ndindex(shares.shape) if count <= _NUMBERED else ():
        share = shares[row, column]
        if not np.isnan(share):
            shade = "white" if share > 0.55 else "#222222"
            axes.text(column, row, f"{100 * share:.1f} %", ha="center", va="center", color=shade, fontsize=9)
    bar = figure.colorbar(picture, ax=axes, shrink=0.85, label="share of the class")
    bar.outline.set_visible(False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary)
