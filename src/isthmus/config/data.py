"""Checking the files that a configuration names: folders, pairs, bands and labels."""

from collections.abc import Iterator, Mapping
from typing import Any

from isthmus.errors import Fault

_CHECKED = "isthmus.datamodules."
_SEGMENTATION = "GenericNonGeoSegmentationDataModule"
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
    if not (path.startswith(_CHECKED) and path.endswith(_SEGMENTATION)):
        return
    from isthmus.datasets.checks import check_segmentation_data  # imports numpy and rasterio

    init = node.get("init_args") or {}
    stages = [stage for stage in _STAGES[subcommand] if stage != "val" or subcommand != "fit" or _given(init, stage)]
    for fault in check_segmentation_data(init, stages):
        yield Fault(f"data.init_args.{fault.key}", fault.message)


def _given(init: Mapping[str, Any], stage: str) -> bool:
    return init.get(f"{stage}_data_root") is not None
