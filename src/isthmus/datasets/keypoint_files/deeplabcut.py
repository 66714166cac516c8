"""Keypoints as DeepLabCut stores what was labelled (`CollectedData_*.csv`).

The first rows name, for each column, the scorer, the individual (in projects with several animals), the body part and
whether it is x or y; then there is one row per image. The path of the image is in the first column or spread over the
first three. Body parts of the individual `single` belong to none of the others and make an instance of their own.
Format: Nath, Mathis et al., "Using DeepLabCut for 3D markerless pose estimation across species and behaviors" (2019),
and the documentation of the project.
"""

from collections import defaultdict
from pathlib import Path

import numpy as np

from isthmus.datasets.keypoint_files.annotations import ImageDraft, KeypointAnnotations, finish_annotations
from isthmus.datasets.tables import Rows, read_point
from isthmus.errors import LabelError, did_you_mean

_HEADER = ("scorer", "individuals", "bodyparts", "coords")

_Columns = dict[str, dict[str, dict[str, int]]]
"""Individual, body part, `x` or `y`: the column."""


def is_deeplabcut(rows: Rows) -> bool:
    """Whether the first rows of a CSV file are those of DeepLabCut."""
    return rows[0][1][0].strip().lower() == "scorer"


def read_deeplabcut(path: Path, rows: Rows) -> KeypointAnnotations:
    """Read what was labelled with DeepLabCut.

    Raises:
        LabelError: rows of the header are missing, or a cell cannot be used.
    """
    header = {row[0].strip().lower(): row for _, row in rows[:4] if row[0].strip().lower() in _HEADER}
    for wanted in ("bodyparts", "coords"):
        if wanted not in header:
            seen = [row[0] for _, row in rows[:4]]
            raise LabelError(
                f"{path} begins as a file of DeepLabCut, but has no row {wanted!r} among its first; they begin with "
                f"{', '.join(map(repr, seen))}{did_you_mean(wanted, seen)}"
            )
    columns = _columns(path, header)
    parts = list(dict.fromkeys(part for individual in columns.values() for part in individual))
    width = len(header["coords"])
    drafts: dict[str, ImageDraft] = {}
    for number, row in rows[len(header) :]:
        if len(row) != width:
            raise LabelError(f"{path}, row {number} has {len(row)} cell(s), but the header has {width}")
        image = "/".join(cell.strip() for cell in row[: _index_width(header["coords"])] if cell.strip())
        draft = drafts.setdefault(image, ImageDraft(number))
        for individual in columns.values():
            draft.add(_instance(individual, parts, path, number, row), number)
    return finish_annotations(path, parts, drafts, "row")


def _index_width(coords: list[str]) -> int:
    """How many columns at the left name the image."""
    return next((place for place, cell in enumerate(coords) if place and cell.strip()), len(coords))


def _columns(path: Path, header: dict[str, list[str]]) -> _Columns:
    columns: _Columns = defaultdict(lambda: defaultdict(dict))
    coords = header["coords"]
    individuals = header.get("individuals", [""] * len(coords))
    for place in range(_index_width(coords), len(coords)):
        coordinate, part = coords[place].strip(), header["bodyparts"][place].strip()
        if coordinate in ("x", "y"):  # predictions have a likelihood beside
            columns[individuals[place].strip()][part][coordinate] = place
    for individual in columns.values():
        for part, found in individual.items():
            if len(found) != 2:
                missing = "y" if "x" in found else "x"
                raise LabelError(f"{path} has no column {missing!r} for the body part {part!r}")
    return columns


def _instance(
    columns: dict[str, dict[str, int]], parts: list[str], path: Path, number: int, row: list[str]
) -> np.ndarray:
    points = []
    for part in parts:
        place = columns.get(part)
        names = (f"{part} x", f"{part} y")
        points.append(read_point(row[place["x"]], row[place["y"]], path, number, names) if place else (np.nan, np.nan))
    return np.array(points)
