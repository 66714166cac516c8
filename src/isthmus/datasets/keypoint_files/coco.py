"""Keypoints as COCO stores them.

An annotation holds `keypoints`, the numbers x, y, v of each point of its category; v is 0 for a point that is not
labelled. A point is the index of a pixel, counted from 0 (boxes, other than points, are measured from the corner of
the image). Format: https://cocodataset.org/#format-data.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.datasets.keypoint_files.annotations import ImageDraft, KeypointAnnotations, finish_annotations
from isthmus.errors import LabelError, did_you_mean


def read_coco(path: Path) -> KeypointAnnotations:
    """Read keypoints in COCO's format; boxes and masks beside them are left out.

    Raises:
        LabelError: the file is no JSON, lacks a section, or has an annotation that cannot be used.
    """
    content = _load(path)
    categories = {item.get("id"): item["keypoints"] for item in content["categories"] if item.get("keypoints")}
    names = _point_names(path, content["categories"], list(categories.values()))
    files = _images(path, content["images"])
    drafts = {name: ImageDraft(index) for index, name in enumerate(files.values())}
    for index, annotation in enumerate(content["annotations"]):
        if annotation.get("category_id") not in categories or "keypoints" not in annotation:
            continue
        number = annotation.get("id", index)
        image = files.get(annotation.get("image_id"))
        if image is None:
            raise LabelError(
                f"{path}, annotation {number} is of the image {annotation.get('image_id')!r}, which the "
                "section 'images' does not list"
            )
        drafts[image].add(_points(annotation["keypoints"], len(names), f"{path}, annotation {number}"), number)
    return finish_annotations(path, names, drafts, "annotation")


def _load(path: Path) -> dict[str, list[dict[str, Any]]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LabelError(f"{path} cannot be read as JSON: {error}") from error
    sections = list(content) if isinstance(content, dict) else []
    for wanted in ("images", "annotations", "categories"):
        if wanted not in sections or not isinstance(content[wanted], list):
            seen = ", ".join(map(str, sections)) or f"a {type(content).__name__}"
            hint = did_you_mean(wanted, map(str, sections))
            raise LabelError(f"{path} has no list {wanted!r}, as COCO's format has; it holds {seen}{hint}")
    return dict(content)


def _point_names(path: Path, categories: Sequence[Mapping[str, Any]], named: Sequence[Sequence[str]]) -> list[str]:
    if not named:
        seen = ", ".join(str(item.get("name")) for item in categories) or "none"
        raise LabelError(f"{path}: no category names keypoints; the categories are {seen}")
    different = [names for names in named if list(names) != list(named[0])]
    if different:
        raise LabelError(f"{path}: categories have different keypoints: {list(named[0])} and {list(different[0])}")
    return [str(name) for name in named[0]]


def _images(path: Path, images: Sequence[Mapping[str, Any]]) -> dict[Any, str]:
    files: dict[Any, str] = {}
    names: set[str] = set()
    for index, item in enumerate(images):
        if "id" not in item or "file_name" not in item:
            raise LabelError(f"{path}: item {index} of 'images' has no id or no file_name; it has {', '.join(item)}")
        name = str(item["file_name"])
        if item["id"] in files or name in names:
            raise LabelError(f"{path}: 'images' lists {name!r} or the id {item['id']} twice")
        files[item["id"]] = name
        names.add(name)
    return files


def _points(numbers: Any, count: int, where: str) -> npt.NDArray[np.float64]:
    try:
        triples = np.array(numbers, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise LabelError(f"{where}: keypoints that are not numbers: {error}") from error
    if triples.shape != (3 * count,):
        raise LabelError(
            f"{where} has {triples.size} number(s) in keypoints; x, y and v of {count} points are {3 * count}"
        )
    triples = triples.reshape(count, 3)
    points = np.where(triples[:, 2:] > 0, triples[:, :2], np.nan)
    if np.isinf(points).any() or (np.isnan(points).any(1) & (triples[:, 2] > 0)).any():
        raise LabelError(f"{where}: keypoints that are labelled but not finite numbers")
    return points
