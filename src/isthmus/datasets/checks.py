"""What can be told about the data of a configuration before training, without torch and in a few seconds."""

import logging
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from isthmus.datasets.headers import HeaderScan, describe_odd_size, scan_headers
from isthmus.datasets.pairing import Sample
from isthmus.datasets.preprocessing import COMPUTE, read_values
from isthmus.datasets.readers import Readers, target_readers
from isthmus.errors import DataError, Fault, IsthmusError
from isthmus.specs import BandScaling

if TYPE_CHECKING:
    from isthmus.datasets.source import ImageSource

_FILES_SHOWN = 5
_LABELS_READ = 300
_SECONDS = 2.0

_log = logging.getLogger(__name__)


def check_data(source: "ImageSource", init_args: Mapping[str, Any], stages: Sequence[str] | None) -> list[Fault]:
    """Check the arguments of a datamodule against the files of its source; see `ImageSource.check`."""
    faults: list[Fault] = []
    for stage in ("train", "predict"):
        with _told(faults, "dataset_bands"):
            source.bands(stage)
    faults += _value_faults(source, init_args, wants_training=stages is None or "train" in stages)
    for stage in ("train", "val", "test", "predict") if stages is None else stages:
        with _told(faults, source.blame(stage)):
            optional = stages is None or (stage == "val" and "train" in stages)
            if not optional or source.has(stage):
                _check_stage(source, stage, init_args, faults)
    return list(dict.fromkeys(faults))  # what stages share is told once


@contextmanager
def _told(faults: list[Fault], argument: str) -> Iterator[None]:
    """Turn an error into a fault of the argument that it blames, or else of this one."""
    try:
        yield
    except IsthmusError as error:
        faults.append(Fault(error.argument or argument, str(error)))


def _value_faults(source: "ImageSource", init_args: Mapping[str, Any], *, wants_training: bool) -> list[Fault]:
    """What is wrong with means and standard deviations; those of a checkpoint need no images to train on."""
    faults: list[Fault] = []
    for key, other in (("means", "stds"), ("stds", "means")):
        values = init_args.get(key)
        if values is None and init_args.get(other) is not None:
            faults.append(Fault(key, f"is not given, but {other} is; normalisation needs both"))
        if values == COMPUTE and wants_training and not _has_training(source):
            faults.append(Fault(key, f"is {COMPUTE!r}, which needs images to train on"))
        if values is None or values == COMPUTE or isinstance(values, Mapping):
            continue
        with _told(faults, key):
            numbers = read_values(values, key) if not isinstance(values, list | tuple) else tuple(values)
            if all(isinstance(number, int | float) for number in numbers):  # else told where types are checked
                both: dict[str, Any] = {key: numbers, other: (1.0,) * len(numbers)}
                BandScaling(bands=_names(source), **both)
    return faults


def _names(source: "ImageSource") -> tuple[str | int, ...] | None:
    try:
        return source.bands("train").names
    except IsthmusError:
        return None  # told already


def _has_training(source: "ImageSource") -> bool:
    try:
        return source.has("train")
    except DataError:
        return True  # files that cannot be used, which is told where they are checked


def _check_stage(source: "ImageSource", stage: str, init_args: Mapping[str, Any], faults: list[Fault]) -> None:
    samples = source.samples(stage)
    images = source.images(stage)
    readers: Readers = images
    with _told(faults, source.blame(stage)):
        readers = source.readers(stage)
    usable: dict[str, Any] = dict(images)
    for name, reader in target_readers(readers).items():
        with _told(faults, source.blame(stage, name)):
            reader.check(samples)
            usable[name] = reader
    scan = scan_headers(samples, usable)
    faults += _file_faults(source, stage, scan)
    faults += _batch_faults(stage, samples, init_args)
    faults += _size_faults(source, stage, scan, init_args)
    if not scan.errors:
        faults += _label_faults(source, stage, samples, usable, scan)


def _file_faults(source: "ImageSource", stage: str, scan: HeaderScan) -> Iterator[Fault]:
    by_key: dict[str, list[DataError]] = defaultdict(list)
    for part, error in scan.errors:
        by_key[error.argument or source.blame(stage, part)].append(error)
    for key, errors in by_key.items():
        yield from (Fault(key, str(error)) for error in errors[:_FILES_SHOWN])
        if len(errors) > _FILES_SHOWN:
            yield Fault(key, f"{len(errors) - _FILES_SHOWN} more files are wrong")


def _size_faults(source: "ImageSource", stage: str, scan: HeaderScan, init_args: Mapping[str, Any]) -> Iterator[Fault]:
    batch_size = _batch_size(init_args)
    transform = init_args.get(f"{'test' if stage == 'predict' else stage}_transform")
    if len(scan.sizes) > 1 and batch_size != 1 and not transform and init_args.get("check_stackability", True):
        yield Fault(
            source.blame(stage),
            f"images of different sizes cannot be joined into batches of {batch_size}: "
            f"{describe_odd_size(scan.sizes)}. Crop or resize them in a transform, or set batch_size to 1",
        )


def _batch_faults(stage: str, samples: Sequence[Sample], init_args: Mapping[str, Any]) -> Iterator[Fault]:
    batch_size = _batch_size(init_args)
    if stage == "train" and init_args.get("drop_last", True) and len(samples) < batch_size:
        yield Fault(
            "batch_size",
            f"is {batch_size}, but there are only {len(samples)} samples to train on, and drop_last leaves out a batch "
            f"that is not full; reduce it to {len(samples)} or set drop_last to false",
        )


def _batch_size(init_args: Mapping[str, Any]) -> int:
    given = init_args.get("batch_size")
    return given if isinstance(given, int) else 1  # what is no number is told where types are checked


def _label_faults(
    source: "ImageSource", stage: str, samples: Sequence[Sample], readers: Readers, scan: HeaderScan
) -> Iterator[Fault]:
    """What is wrong inside the files of labels, as far as there is time to read them."""
    sizes = {file: size for size, files in scan.sizes.items() for file in files}
    step = -(-len(samples) // _LABELS_READ) or 1
    for name, reader in target_readers(readers).items():
        if not reader.opens_files or stage == "predict":
            continue
        started, number, wrong = time.monotonic(), 0, list[DataError]()
        for sample in samples[::step]:
            if time.monotonic() - started > _SECONDS:
                break
            number += 1
            try:
                reader.read(sample, sizes[sample.image])
            except DataError as error:
                wrong.append(error)
        _log.info("%s: read %d of %d labels and the headers of all files", stage, number, len(samples))
        if wrong:
            others = f" (and {len(wrong) - 1} more of the {number} labels read)" if len(wrong) > 1 else ""
            yield Fault(wrong[0].argument or source.blame(stage, name), f"{wrong[0]}{others}")
