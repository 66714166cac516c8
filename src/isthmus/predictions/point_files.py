"""Predicted points in files: a table, and a layer of a map."""

import csv
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.atomic import atomic_path, write_text

_DECIMALS = 3  # of a pixel
_HEADER = ("instance", "point", "x", "y", "score")


def write_points_table(path: str | Path, points: npt.NDArray[np.floating], names: Sequence[str]) -> None:
    """Write points as CSV: instance, point, x, y and score, one row a point that was found.

    Args:
        path: where to; an existing file is replaced.
        points: `(instances, points, 3)`: x = column and y = row in pixels, where whole numbers are the centres of
            pixels, and the score; NaN where there is none.
        names: the names of the points.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_HEADER)
        for instance, name, x, y, score in _found(points, names):
            writer.writerow((instance, name, round(x, _DECIMALS), round(y, _DECIMALS), round(score, 4)))


def write_points_layer(
    path: str | Path, points: npt.NDArray[np.floating], names: Sequence[str], transform: Any, crs: Any
) -> None:
    """Write points as GeoJSON in the reference system of their image, named as GDAL and QGIS read it.

    Args:
        path: where to; an existing file is replaced.
        points: as in `write_points_table`.
        names: the names of the points.
        transform: from (column, row), counted from the corner of the first pixel, to coordinates.
        crs: the reference system of the image, as rasterio gives it.
    """
    features = []
    a, b, c, d, e, f = tuple(transform)[:6]
    for instance, name, x, y, score in _found(points, names):
        column, row = x + 0.5, y + 0.5
        features.append(
            {
                "type": "Feature",
                "properties": {"instance": instance, "point": name, "score": round(score, 4)},
                "geometry": {"type": "Point", "coordinates": [a * column + b * row + c, d * column + e * row + f]},
            }
        )
    authority = crs.to_authority()
    system = f"urn:ogc:def:crs:{authority[0]}::{authority[1]}" if authority else crs.to_wkt()
    layer = {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": system}},
        "features": features,
    }
    write_text(path, json.dumps(layer) + "\n")


def _found(points: npt.NDArray[np.floating], names: Sequence[str]) -> Iterator[tuple[int, str, float, float, float]]:
    for instance, row in enumerate(points.astype(np.float64).tolist()):
        for name, (x, y, score) in zip(names, row, strict=True):
            if not math.isnan(x):
                yield instance, name, x, y, score
