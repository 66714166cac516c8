"""Which format a file of keypoints has, and reading it."""

from functools import lru_cache
from pathlib import Path

from isthmus.datasets.keypoint_files.annotations import KeypointAnnotations
from isthmus.datasets.keypoint_files.coco import read_coco
from isthmus.datasets.keypoint_files.deeplabcut import is_deeplabcut, read_deeplabcut
from isthmus.datasets.keypoint_files.long_csv import read_long_csv
from isthmus.datasets.keypoint_files.sleap import read_sleap
from isthmus.datasets.keypoint_files.wide_csv import read_wide_csv
from isthmus.datasets.tables import Table, read_rows, show
from isthmus.errors import ArgumentError, LabelError, did_you_mean

FORMATS = ("auto", "csv", "coco", "deeplabcut", "sleap")

_BY_ENDING = {".csv": "csv", ".json": "coco", ".slp": "sleap"}


def read_annotations(path: str | Path, format: str = "auto", frames: Path | None = None) -> KeypointAnnotations:  # noqa: A002
    """Read a file of keypoints.

    Args:
        path: the file.
        format: `csv` (one instance or one point per row), `coco`, `deeplabcut` or `sleap`; `auto` tells by the ending
            of the file and the header of a table.
        frames: see `read_sleap`.

    Raises:
        ArgumentError: an unknown format.
        LabelError: the file is missing, of another format, or has something that cannot be used; the message names
            file, row and column.
    """
    path = Path(path)
    check_format(format)
    if not path.is_file():
        raise LabelError(
            f"{path} {'is a folder' if path.is_dir() else 'does not exist'}; keypoints were expected there"
        )
    if format == "auto":
        if path.suffix.lower() not in _BY_ENDING:
            raise LabelError(
                f"{path} has the ending {path.suffix!r}, which tells no format; expected {', '.join(_BY_ENDING)}, or "
                f"format: {', '.join(FORMATS[1:])}"
            )
        format = _BY_ENDING[path.suffix.lower()]  # noqa: A001
    state = path.stat()
    return _read(path, format, frames, (state.st_mtime_ns, state.st_size))


@lru_cache(maxsize=8)  # the check, the statistics and the training read the same file, and each would warn of the same
def _read(path: Path, format: str, frames: Path | None, _: tuple[int, int]) -> KeypointAnnotations:  # noqa: A002
    if format == "coco":
        return read_coco(path)
    if format == "sleap":
        return read_sleap(path, frames)
    rows = read_rows(path)
    if format == "deeplabcut" or is_deeplabcut(rows):
        return read_deeplabcut(path, rows)
    return _read_table(Table.of(path, rows))


def check_format(format: str) -> None:  # noqa: A002
    """Refuse an unknown format.

    Raises:
        ArgumentError: it is one.
    """
    if format not in FORMATS:
        raise ArgumentError(
            f"format is {format!r}; expected one of {', '.join(FORMATS)}{did_you_mean(format, FORMATS)}",
            argument="format",
        )


def _read_table(table: Table) -> KeypointAnnotations:
    if {"x", "y"} <= set(table.columns):
        return read_long_csv(table)
    if any(name.endswith(("_x", "_y")) for name in table.columns):
        return read_wide_csv(table)
    raise LabelError(
        f"{table.path} has the columns {show(table.columns)}; keypoints have the columns image, x and y (one point per "
        "row) or image, <name>_x and <name>_y (one instance per row)"
    )
