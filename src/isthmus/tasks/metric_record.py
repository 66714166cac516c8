"""The metrics of every epoch in one file."""

import csv
import io
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

_HEADER = ("split", "epoch", "metric", "value")


def record_metrics(folder: str | Path, split: str, epoch: int, values: Mapping[str, float]) -> Path:
    """Add the metrics of an epoch to `metrics.csv` in a folder: one row a metric, with split, epoch, name and value.

    The file is replaced as a whole, so that a reader never sees half of it.

    Returns:
        The path of the file.
    """
    path = Path(folder) / "metrics.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = io.StringIO(newline="")
    writer = csv.writer(rows, lineterminator="\n")
    if not path.is_file():
        writer.writerow(_HEADER)
    writer.writerows((split, epoch, name, value) for name, value in values.items())
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", delete=False, encoding="utf-8") as part:
        part.write(before + rows.getvalue())
        part.flush()
        os.fsync(part.fileno())
    Path(part.name).replace(path)
    return path
