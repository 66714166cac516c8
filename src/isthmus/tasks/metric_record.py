"""The metrics of every epoch in one file."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from isthmus.atomic import write_text

_HEADER = ("split", "epoch", "metric", "value")


def record_metrics(folder: str | Path, split: str, epoch: int, values: Mapping[str, float]) -> Path:
    """Add the metrics of an epoch to `metrics.csv` in a folder: one row a metric, with split, epoch, name and value.

    The file is replaced as a whole, so that a reader never sees half of it.

    Returns:
        The path of the file.
    """
    path = Path(folder) / "metrics.csv"
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    if not before:
        writer.writerow(_HEADER)
    writer.writerows((split, epoch, name, value) for name, value in values.items())
    write_text(path, before + rows.getvalue())
    return path
