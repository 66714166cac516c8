"""Keypoints as a table with one instance per row.

The columns are `image` (or `id`), for each point `<name>_x` and `<name>_y`, and `split` if there is one. An image in
several rows has several instances. Empty cells are points that are absent or not labelled; a row of nothing else is an
image without an instance.
"""

from pathlib import Path

import numpy as np

from isthmus.datasets.keypoint_files.annotations import ImageDraft, KeypointAnnotations, finish_annotations
from isthmus.datasets.tables import Table, show
from isthmus.errors import LabelError, did_you_mean


def point_columns(table: Table) -> dict[str, tuple[int, int]]:
    """The columns of x and y by the name of the point.

    Raises:
        LabelError: a point has one of the two only.
    """
    columns = {name: place for place, name in enumerate(table.columns)}
    stems = [name[:-2] for name in table.columns if name.endswith(("_x", "_y")) and name[:-2]]
    found = {}
    for stem in dict.fromkeys(stems):
        for wanted, other in ((f"{stem}_x", f"{stem}_y"), (f"{stem}_y", f"{stem}_x")):
            if wanted not in columns:
                single = [name for name in columns if name.endswith(wanted[-2:]) and name[:-2] not in found]
                raise LabelError(
                    f"{table.path} has a column {other!r} but none called {wanted!r}{did_you_mean(wanted, single)}"
                )
        found[stem] = (columns[f"{stem}_x"], columns[f"{stem}_y"])
    if not found:
        raise LabelError(
            f"{table.path} has no columns of points; pairs such as 'nose_x' and 'nose_y' were expected, found "
            f"{show(table.columns)}"
        )
    return found


def read_wide_csv(table: Table) -> KeypointAnnotations:
    """Read a table with one instance per row.

    Raises:
        LabelError: columns are missing, a cell cannot be used, or an image is in two splits.
    """
    points = point_columns(table)
    image_column = table.find("image", "id")
    split_column = table.columns.index("split") if "split" in table.columns else None
    drafts: dict[str, ImageDraft] = {}
    for number, row in table.rows:
        draft = drafts.setdefault(table.text(image_column, number, row), ImageDraft(number))
        if split_column is not None:
            draft.assign(row[split_column].strip(), number, f"{table.path}, row")
        draft.add(np.array([table.point(columns, number, row) for columns in points.values()]), number)
    return finish_annotations(Path(table.path), list(points), drafts, "row")
