"""What can be told about the keypoints of a configuration before training, without torch."""

from collections.abc import Mapping, Sequence
from typing import Any

from isthmus.datasets.checks import check_image_arguments, check_images
from isthmus.datasets.headers import HeaderScan
from isthmus.datasets.keypoint_files.annotations import AnnotatedImage
from isthmus.datasets.keypoint_files.placing import points_inside, swap_order
from isthmus.datasets.keypoint_source import KeypointSource
from isthmus.datasets.pairing import Sample
from isthmus.errors import ArgumentError, Fault, IsthmusError, LabelError

_POINTS_SHOWN = 3


def check_keypoint_data(init_args: Mapping[str, Any], stages: Sequence[str]) -> list[Fault]:
    """Check the arguments of `GenericKeypointDataModule` against the files that they name.

    Checked are the files of keypoints, splits and images; the header of every image; and whether each point lies in
    its image.

    Args:
        init_args: the arguments as a configuration gives them.
        stages: which of `train`, `val`, `test` and `predict` are needed; `val` beside `train` only where there is one.

    Returns:
        What is wrong, with keys relative to `init_args`; empty where nothing is.
    """
    try:
        source = KeypointSource.from_arguments(init_args)
    except ArgumentError as error:
        return [Fault("split_names" if str(error).startswith("split_names") else "format", str(error))]
    faults = check_image_arguments(source, init_args)
    wrong = False
    for stage in stages:
        try:
            if stage == "val" and "train" in stages and (wrong or not source.has("val")):
                continue
            samples = source.samples(stage)
        except IsthmusError as error:
            faults.append(Fault(_culprit(source, stage, str(error)), str(error)))
            wrong = True
            continue
        key = "predict_data_root" if stage == "predict" else _root_key(source, stage)
        scan, found = check_images(source, stage, samples, init_args, key)
        faults += found
        if scan is not None:
            faults += _check_points(samples, scan, _file_key(source, stage))
    return faults if wrong else faults + _check_pairs(source, init_args)


def _check_points(samples: Sequence[Sample], scan: HeaderScan, key: str) -> list[Fault]:
    sizes = {file: size for size, files in scan.sizes.items() for file in files}
    faults = []
    for sample in samples:
        if isinstance(sample, AnnotatedImage) and sample.image in sizes:
            try:
                points_inside(sample, *sizes[sample.image])
            except LabelError as error:
                faults.append(Fault(key, str(error)))
    more = len(faults) - _POINTS_SHOWN
    return faults[:_POINTS_SHOWN] + ([Fault(key, f"{more} more images have points outside")] if more > 0 else [])


def _check_pairs(source: KeypointSource, init_args: Mapping[str, Any]) -> list[Fault]:
    pairs = init_args.get("swap_pairs")
    if not pairs:
        return []
    try:
        swap_order(source.point_names, pairs)
    except IsthmusError as error:
        return [Fault("swap_pairs", str(error))]
    return []


def _culprit(source: KeypointSource, stage: str, message: str) -> str:
    """The key to blame for a stage whose samples cannot be found, by the file that the message names."""
    if stage == "predict":
        return "predict_data_root"
    root = getattr(source, f"{stage}_data_root") or source.data_root
    if root is not None and message.startswith(f"{root} "):
        return _root_key(source, stage)
    if source.split_table is not None and message.startswith(str(source.split_table)):
        return "split_table"
    return _file_key(source, stage)


def _root_key(source: KeypointSource, stage: str) -> str:
    if getattr(source, f"{stage}_data_root") is not None:
        return f"{stage}_data_root"
    return "data_root" if source.data_root is not None else _file_key(source, stage)


def _file_key(source: KeypointSource, stage: str) -> str:
    return f"{stage}_keypoints" if getattr(source, f"{stage}_keypoints", None) is not None else "keypoints"
