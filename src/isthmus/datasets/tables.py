"""CSV tables whose mistakes are told by file, row and column."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isthmus.errors import LabelError, did_you_mean

_NO_NUMBER = frozenset({"", "nan", "na", "null", "none"})

Rows = list[tuple[int, list[str]]]
"""The rows of a file that are not blank, each with its number; the first row of the file is row 1."""


def read_rows(path: Path) -> Rows:
    """Read the rows of a CSV file.

    Raises:
        LabelError: the file cannot be read, is no text, or is empty.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [
                (number, row) for number, row in enumerate(csv.reader(file), 1) if any(cell.strip() for cell in row)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelError(f"{path} cannot be read as a CSV table: {error}") from error
    if not rows:
        raise LabelError(f"{path} is empty; a CSV table with a header was expected")
    return rows


@dataclass(frozen=True)
class Table:
    """A CSV file with one row of column names.

    Attributes:
        path: the file.
        columns: the names of the columns.
        rows: the rows below the names.
    """

    path: Path
    columns: tuple[str, ...]
    rows: Rows

    @classmethod
    def of(cls, path: Path, rows: Rows) -> "Table":
        """The rows of a file as a table.

        Raises:
            LabelError: two columns have the same name, or a row has not as many cells as there are columns.
        """
        columns = tuple(name.strip() for name in rows[0][1])
        twice = [name for name in columns if name and columns.count(name) > 1]
        if twice:
            raise LabelError(f"{path} has two columns called {twice[0]!r}")
        for number, row in rows[1:]:
            if len(row) != len(columns):
                raise LabelError(f"{path}, row {number} has {len(row)} cell(s), but there are {len(columns)} columns")
        return cls(path, columns, rows[1:])

    def find(self, *choices: str) -> int:
        """The place of the first of several columns that is there.

        Raises:
            LabelError: none of them is.
        """
        for name in choices:
            if name in self.columns:
                return self.columns.index(name)
        hint = did_you_mean(choices[0], self.columns)
        wanted = " or ".join(repr(name) for name in choices)
        raise LabelError(f"{self.path} has no column {wanted}; its columns are {show(self.columns)}{hint}")

    def text(self, column: int, number: int, row: Sequence[str]) -> str:
        """A cell that must not be empty.

        Raises:
            LabelError: it is.
        """
        value = row[column].strip()
        if not value:
            raise LabelError(f"{self.path}, row {number}, column {self.columns[column]!r} is empty")
        return value

    def point(self, columns: tuple[int, int], number: int, row: Sequence[str]) -> tuple[float, float]:
        """The x and y in two cells; NaN twice where both are empty.

        Raises:
            LabelError: one of them is no number, or only one is there.
        """
        names = (self.columns[columns[0]], self.columns[columns[1]])
        return read_point(row[columns[0]], row[columns[1]], self.path, number, names)


def read_point(x: str, y: str, path: Path, row: int, columns: Sequence[object]) -> tuple[float, float]:
    """Two cells as x and y; NaN twice where both are empty.

    Raises:
        LabelError: one of them is no number, or only one is there.
    """
    numbers = [_number(cell, path, row, column) for cell, column in zip((x, y), columns, strict=True)]
    if math.isnan(numbers[0]) != math.isnan(numbers[1]):
        empty, full = columns if math.isnan(numbers[0]) else reversed(columns)
        raise LabelError(
            f"{path}, row {row}, column {empty!r} is empty, but column {full!r} is not; a point has both or none"
        )
    return numbers[0], numbers[1]


def _number(cell: str, path: Path, row: int, column: object) -> float:
    text = cell.strip()
    if text.lower() in _NO_NUMBER:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if math.isinf(value):
        raise LabelError(f"{path}, row {row}, column {column!r}: {text!r} is not a number")
    return value


def show(names: Sequence[str], most: int = 12) -> str:
    """Names for a message, not too many of them."""
    shown = ", ".join(names[:most]) or "none"
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
