"""Which source of images the arguments of a datamodule describe."""

from collections.abc import Mapping
from typing import Any

from isthmus.datasets.keypoint_source import KeypointSource
from isthmus.datasets.source import LABELLED_STAGES, ImageSource, PixelwiseSource


def source_from(init_args: Mapping[str, Any]) -> ImageSource:
    """The source of a datamodule of Isthmus: with keypoints where a file of them is named, else with label rasters.

    Args:
        init_args: the arguments of the datamodule, as a configuration gives them.

    Raises:
        ArgumentError: an argument is missing, or arguments contradict one another.
    """
    names = ["keypoints", *(f"{stage}_keypoints" for stage in LABELLED_STAGES)]
    kind = KeypointSource if any(init_args.get(name) is not None for name in names) else PixelwiseSource
    return kind.from_arguments(init_args)
