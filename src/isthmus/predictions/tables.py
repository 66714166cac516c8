"""What was predicted of whole images, as one table of all of them."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isthmus.atomic import atomic_path
from isthmus.errors import DataError

PREDICTIONS = "predictions.csv"
_FILENAME = "filename"


def write_rows(path: str | Path, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Write a table as CSV: a row an image, `filename` and the columns of its prediction.

    Args:
        path: where to; an existing file is replaced.
        rows: by image, then by column; all have the same columns.

    Raises:
        DataError: something that was predicted is called `filename` too.
    """
    columns = list(next(iter(rows.values()), {}))
    if _FILENAME in columns:
        raise DataError(f"{path} cannot be written: a column of what was predicted is called {_FILENAME!r}")
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([_FILENAME, *columns])
        writer.writerows([name, *(row[column] for column in columns)] for name, row in rows.items())
