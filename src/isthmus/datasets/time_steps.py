"""How many time steps the files of a data set hold."""

from collections.abc import Mapping
from typing import Any

from isthmus.datasets.source import PixelwiseSource
from isthmus.errors import IsthmusError
from isthmus.rasters.header import read_info


def count_time_steps(init_args: Mapping[str, Any], stage: str) -> int | None:
    """The time steps in the first file of a stage; None where it cannot be told, which is a fault of its own.

    Args:
        init_args: the arguments of a datamodule for images with labels per pixel.
        stage: `train`, `val`, `test` or `predict`.
    """
    source = PixelwiseSource.from_arguments(init_args)
    if not source.has(stage):
        return None
    try:
        first = source.samples(stage)[0].image
        return source.bands(stage).time_steps(read_info(first, georeference=False).count, first)
    except (IsthmusError, IndexError):
        return None
