"""Checking the files that a configuration names: folders, pairs, bands, labels and keypoints."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from isthmus.errors import Fault

_CHECKED = "isthmus.datamodules."
_SEGMENTATION = "GenericNonGeoSegmentationDataModule"
_KEYPOINTS = "GenericKeypointDataModule"
_STAGES = {"fit": ("train", "val"), "validate": ("val",), "test": ("test",), "predict": ("predict",)}


def data_faults(config: Mapping[str, Any], subcommand: str) -> Iterator[Fault]:
    """Every fault in the data section that the files themselves show.

    Args:
        config: with full class paths.
        subcommand: what is to be run; it decides which files must be there. Nothing is read where it needs none.
    """
    node = config.get("data")
    path = str(node.get("class_path", "")) if isinstance(node, Mapping) else ""
    if not isinstance(node, Mapping) or subcommand not in _STAGES:
        return
    init = node.get("init_args") or {}
    for fault in _file_faults(path, init, _STAGES[subcommand]):
        yield Fault(f"data.init_args.{fault.key}", fault.message)


def _file_faults(path: str, init: Mapping[str, Any], stages: Sequence[str]) -> Sequence[Fault]:
    """The faults of the data of a class, with keys relative to its arguments; the checks import numpy and rasterio."""
    if not path.startswith(_CHECKED):
        return []
    if path.endswith(_SEGMENTATION):
        from isthmus.datasets.checks import check_segmentation_data

        wanted = [stage for stage in stages if stage != "val" or "train" not in stages or _given(init, stage)]
        return check_segmentation_data(init, wanted)
    if path.endswith(_KEYPOINTS):
        from isthmus.datasets.keypoint_checks import check_keypoint_data

        return check_keypoint_data(init, stages)
    return []


def _given(init: Mapping[str, Any], stage: str) -> bool:
    return init.get(f"{stage}_data_root") is not None
