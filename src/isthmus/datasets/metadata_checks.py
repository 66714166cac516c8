"""Checking the dates and the places of images before training."""

from collections.abc import Sequence

from isthmus.datasets.pairing import Sample
from isthmus.datasets.source import ImageSource
from isthmus.errors import DataError, Fault, IsthmusError
from isthmus.rasters.header import read_info


def check_metadata(source: ImageSource, stage: str, samples: Sequence[Sample]) -> list[Fault]:
    """What is wrong with the `metadata` of a stage: the table, its rows, or the georeference of the first image.

    Args:
        source: where the files are.
        stage: `train`, `val`, `test` or `predict`.
        samples: the files of the stage.
    """
    metadata = source.metadata_reader()
    if metadata is None or not samples:
        return []
    try:
        steps = _time_steps(source, stage, samples[0])
    except IsthmusError:
        return []  # told where files and bands are checked
    try:
        metadata.check(samples)
        metadata.of(samples[0], steps)
    except DataError as error:
        return [Fault("metadata", str(error).removeprefix("metadata: "))]
    return []


def _time_steps(source: ImageSource, stage: str, sample: Sample) -> int:
    bands = source.bands(stage)
    if bands.dataset_bands is None:
        return 1
    return bands.time_steps(read_info(sample.image, georeference=False).count, sample.image)
