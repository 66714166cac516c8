"""Keypoints as a table with one point per row.

The columns are `image` (or `id`), `x` and `y`, and where there are such `name` (of the point), `instance` (what tells
individuals of one image apart) and `split`. Without more than one name every row is an instance of its own: objects
marked by points. With several names and without instances an image holds one instance. A row without coordinates is a
point that is not labelled; an image that only has such rows has no instance.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from isthmus.datasets.keypoint_files.annotations import ImageDraft, KeypointAnnotations, finish_annotations
from isthmus.datasets.tables import Table
from isthmus.errors import LabelError

ONLY_POINT = "point"
"""The name of the point where a file gives none."""


@dataclass
class _Instance:
    points: dict[str, tuple[float, float]] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)


def read_long_csv(table: Table) -> KeypointAnnotations:
    """Read a table with one point per row.

    Raises:
        LabelError: columns are missing, a cell cannot be used, an instance has a point twice, or an image is in two
            splits.
    """
    image_column, xy = table.find("image", "id"), (table.find("x"), table.find("y"))
    name_column, instance_column, split_column = (
        table.columns.index(name) if name in table.columns else None for name in ("name", "instance", "split")
    )
    names = _names(table, name_column)
    alone = len(names) == 1 and instance_column is None
    drafts: dict[str, ImageDraft] = {}
    instances: dict[tuple[str, str], _Instance] = {}
    for number, row in table.rows:
        image = table.text(image_column, number, row)
        draft = drafts.setdefault(image, ImageDraft(number))
        if split_column is not None:
            draft.assign(row[split_column].strip(), number, f"{table.path}, row")
        which = str(number) if alone else "" if instance_column is None else row[instance_column].strip()
        name = ONLY_POINT if name_column is None else row[name_column].strip()
        instance = instances.setdefault((image, which), _Instance())
        if name in instance.places:
            _refuse_second(table, number, name, image, instance.places[name], known=instance_column is not None)
        instance.points[name] = table.point(xy, number, row)
        instance.places[name] = number
    for (image, _), instance in instances.items():
        first = min(instance.places.values())
        points = np.array([instance.points.get(name, (np.nan, np.nan)) for name in names])
        drafts[image].add(points, np.array([instance.places.get(name, first) for name in names]))
    return finish_annotations(Path(table.path), names, drafts, "row")


def _names(table: Table, column: int | None) -> list[str]:
    if column is None:
        return [ONLY_POINT]
    return list(dict.fromkeys(table.text(column, number, row) for number, row in table.rows))


def _refuse_second(table: Table, number: int, name: str, image: str, other: int, *, known: bool) -> None:
    advice = "" if known else "; a column 'instance' would tell individuals apart"
    raise LabelError(
        f"{table.path}, row {number} gives the point {name!r} of {image!r} again, which row {other} gives{advice}"
    )
