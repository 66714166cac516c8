"""What can be told about the data of a configuration before training, without torch and in a few seconds."""

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from isthmus.datasets.headers import HeaderScan, describe_odd_size, scan_headers
from isthmus.datasets.labels import LabelReader
from isthmus.datasets.metadata_checks import check_metadata
from isthmus.datasets.pairing import Sample
from isthmus.datasets.source import LABELLED_STAGES, ImageSource, PixelwiseSource, label_reader
from isthmus.datasets.splits import read_split
from isthmus.errors import BandError, DataError, Fault, IsthmusError, LabelError
from isthmus.statistics import COMPUTE, read_values

_FILES_SHOWN = 5
_LABELS_READ = 300
_SECONDS = 2.0

_log = logging.getLogger(__name__)


def check_segmentation_data(init_args: Mapping[str, Any], stages: Sequence[str] | None = None) -> list[Fault]:
    """Check the arguments of `GenericNonGeoSegmentationDataModule` against the files that they name.

    Checked are folders, split files and pairs; the header of every file, for its bands and size and for whether it is
    all there; and the values of the labels, of at most 300 files and for at most two seconds a stage (a line in the
    log says how many).

    Args:
        init_args: the arguments as a configuration gives them.
        stages: which of `train`, `val`, `test` and `predict` are needed; where None, those that have a folder.

    Returns:
        What is wrong, with keys relative to `init_args`; empty where nothing is.
    """
    source = PixelwiseSource.from_arguments(init_args)
    faults = check_image_arguments(source, init_args)
    labels = _labels_of(init_args, faults)
    if stages is None:
        stages = [stage for stage in (*LABELLED_STAGES, "predict") if source.has(stage)]
    for stage in stages:
        faults += _check_stage(source, stage, labels, init_args)
    return faults


def check_image_arguments(source: ImageSource, init_args: Mapping[str, Any]) -> list[Fault]:
    """Check the bands, the means and the standard deviations that any datamodule of images takes."""
    return _check_bands(source, init_args) + _check_values(source, init_args)


def _check_bands(source: ImageSource, init_args: Mapping[str, Any]) -> list[Fault]:
    faults = []
    for stage, prefix in (("train", ""), ("predict", "predict_")):
        if prefix and not any(init_args.get(f"predict_{kind}_bands") for kind in ("dataset", "output")):
            continue
        try:
            source.bands(stage)
        except IsthmusError as error:
            named = f"{prefix}output_bands"
            faults.append(Fault(named if init_args.get(named) else f"{prefix}dataset_bands", str(error)))
    return faults


def _check_values(source: ImageSource, init_args: Mapping[str, Any]) -> list[Fault]:
    """Check means and standard deviations."""
    faults = []
    for key, other in (("means", "stds"), ("stds", "means")):
        values = init_args.get(key)
        if values is None and init_args.get(other) is not None:
            faults.append(Fault(key, f"is not given, but {other} is; normalisation needs both"))
        if values == COMPUTE and not _has_training(source):
            faults.append(Fault(key, f"is {COMPUTE!r}, which needs images to train on"))
        if values is None or values == COMPUTE:
            continue
        try:
            numbers = read_values(values, key) if isinstance(values, str | Path) else list(values)
            names = source.bands("train").names
        except BandError:
            continue  # told already
        except IsthmusError as error:
            faults.append(Fault(key, str(error)))
            continue
        if names is not None and len(numbers) != len(names):
            faults.append(Fault(key, f"has {len(numbers)} value(s), but an image has {len(names)} band(s)"))
        if key == "stds" and any(isinstance(number, int | float) and not number > 0 for number in numbers):
            faults.append(Fault(key, f"must be above 0, but is {numbers}"))
    return faults


def _has_training(source: ImageSource) -> bool:
    try:
        return source.has("train")
    except DataError:
        return True  # files that cannot be used, which is told where they are checked


def _labels_of(init_args: Mapping[str, Any], faults: list[Fault]) -> LabelReader | None:
    if not isinstance(init_args.get("num_classes"), int):
        return None
    try:
        labels = label_reader(init_args)
    except IsthmusError as error:
        faults.append(Fault("num_classes", str(error)))
        return None
    names = init_args.get("class_names")
    if names is not None and len(names) != labels.num_classes:
        faults.append(Fault("class_names", f"has {len(names)} name(s), but num_classes is {labels.num_classes}"))
    return labels


def _check_stage(
    source: PixelwiseSource, stage: str, labels: LabelReader | None, init_args: Mapping[str, Any]
) -> list[Fault]:
    try:
        samples = source.samples(stage)
    except IsthmusError as error:
        return [Fault(_culprit(source, stage), str(error))]
    scan, faults = check_images(source, stage, samples, init_args, f"{stage}_data_root")
    faults += check_metadata(source, stage, samples)
    if labels is not None and stage != "predict" and scan is not None and not scan.errors:
        faults += _check_labels(stage, samples, labels)
    return faults


def check_images(
    source: ImageSource, stage: str, samples: Sequence[Sample], init_args: Mapping[str, Any], key: str
) -> tuple[HeaderScan | None, list[Fault]]:
    """Check the headers of the files of a stage, and whether they can be joined into batches.

    Args:
        source: says which bands are read.
        stage: `train`, `val`, `test` or `predict`.
        samples: the files.
        init_args: the arguments of the datamodule.
        key: the argument to blame for files that cannot be used.

    Returns:
        What the headers say, None where the bands are in contradiction already, and what is wrong.
    """
    try:
        bands = source.bands(stage)
    except IsthmusError:
        return None, []  # told already, and no file can be held against it
    scan = scan_headers(samples, bands)
    faults = [Fault(key, str(error)) for error in scan.errors[:_FILES_SHOWN]]
    if len(scan.errors) > _FILES_SHOWN:
        faults.append(Fault(key, f"{len(scan.errors) - _FILES_SHOWN} more files are wrong"))
    faults += _check_batches(stage, samples, init_args)
    batch_size = _batch_size(init_args)
    transform = init_args.get(f"{'test' if stage == 'predict' else stage}_transform")
    if len(scan.sizes) > 1 and batch_size != 1 and not transform and init_args.get("check_stackability", True):
        faults.append(
            Fault(
                key,
                f"images of different sizes cannot be joined into batches of {batch_size}: "
                f"{describe_odd_size(scan.sizes)}. Crop or resize them in a transform, or set batch_size to 1",
            )
        )
    return scan, faults


def _culprit(source: PixelwiseSource, stage: str) -> str:
    """The key to blame for a stage whose samples cannot be found."""
    split = getattr(source, f"{stage}_split", None)
    if split is not None:
        try:
            read_split(split, stage)
            whole = PixelwiseSource(**{**vars(source), f"{stage}_split": None})
            whole.samples(stage)
        except IsthmusError as error:
            return f"{stage}_split" if str(split) in str(error) else f"{stage}_data_root"
        return f"{stage}_split"
    return f"{stage}_data_root"


def _check_batches(stage: str, samples: Sequence[Sample], init_args: Mapping[str, Any]) -> list[Fault]:
    batch_size = _batch_size(init_args)
    if stage != "train" or not init_args.get("drop_last", True) or len(samples) >= batch_size:
        return []
    return [
        Fault(
            "batch_size",
            f"is {batch_size}, but there are only {len(samples)} samples to train on, and drop_last leaves out a batch "
            f"that is not full; reduce it to {len(samples)} or set drop_last to false",
        )
    ]


def _batch_size(init_args: Mapping[str, Any]) -> int:
    given = init_args.get("batch_size")
    return given if isinstance(given, int) else 1  # what is no number is told where types are checked


def _check_labels(stage: str, samples: Sequence[Sample], labels: LabelReader) -> list[Fault]:
    step = -(-len(samples) // _LABELS_READ) or 1
    started, number = time.monotonic(), 0
    wrong: list[DataError] = []
    for sample in samples[::step]:
        if sample.label is None or time.monotonic() - started > _SECONDS:
            break
        number += 1
        try:
            labels.read(sample.label)
        except DataError as error:
            wrong.append(error)
    _log.info("%s: read %d of %d labels and the headers of all files", stage, number, len(samples))
    if not wrong:
        return []
    key = "num_classes" if isinstance(wrong[0], LabelError) else f"{stage}_data_root"
    others = f" (and {len(wrong) - 1} more of the {number} labels read)" if len(wrong) > 1 else ""
    return [Fault(key, f"{wrong[0]}{others}")]
