"""How many time steps the files of a data set hold, until configurations ask the declared source."""

from collections.abc import Mapping
from typing import Any

from isthmus.datasets.labels import SegmentationSource


def count_time_steps(init_args: Mapping[str, Any], stage: str) -> int | None:
    """See `ImageSource.time_steps`."""
    return SegmentationSource.from_arguments(init_args).time_steps(stage)
