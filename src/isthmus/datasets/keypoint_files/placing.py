"""Keypoints held against the image that they are in, and the names of points against one another."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from isthmus.datasets.keypoint_files.annotations import AnnotatedImage
from isthmus.errors import ArgumentError, LabelError, did_you_mean

_TOLERANCE = 1.0
"""How far outside the image, in pixels, a point may be to be taken as lying on its edge."""

_PAIRS = "swap_pairs"


def points_inside(sample: AnnotatedImage, height: int, width: int) -> npt.NDArray[np.float32]:
    """The keypoints of an image, those less than a pixel outside moved to its edge.

    Raises:
        LabelError: a point lies further outside.
    """
    points = sample.keypoints
    least = np.float32(-0.5)  # the edge of the first pixel
    most = np.array([width, height], dtype=np.float32) - np.float32(0.5)
    outside = (points < least - _TOLERANCE) | (points > most + _TOLERANCE)  # false for NaN
    if outside.any():
        which, point = np.argwhere(outside.any(-1))[0]
        x, y = points[which, point]
        others = int(outside.any(-1).sum()) - 1
        raise LabelError(
            f"{sample.listed_in} {sample.places[which, point]} has a point at x {x:g}, y {y:g}, but {sample.image} is "
            f"{width} pixels wide and {height} high{f' ({others} more points of it are outside)' if others else ''}; "
            "coordinates are x to the right and y down, in pixels from the centre of the first"
        )
    return np.clip(points, least, most)


def swap_order(point_names: Sequence[str], pairs: Sequence[Sequence[str]]) -> list[int]:
    """The order of the points in a mirrored image: at the place of each point stands its partner.

    Args:
        point_names: the names of the points.
        pairs: two names each.

    Raises:
        ArgumentError: a pair is none, names a point that is not there, or one that is in another pair.
    """
    order = list(range(len(point_names)))
    for pair in pairs:
        if isinstance(pair, str) or len(pair) != 2 or pair[0] == pair[1]:
            raise ArgumentError(
                f"swap_pairs holds {pair!r}; two different names of points were expected", argument=_PAIRS
            )
        for name, partner in (pair, reversed(pair)):
            if name not in point_names:
                raise ArgumentError(
                    f"swap_pairs names the point {name!r}; there are {', '.join(point_names)}"
                    f"{did_you_mean(name, point_names)}",
                    argument=_PAIRS,
                )
            place = list(point_names).index(name)
            if order[place] != place:
                raise ArgumentError(f"swap_pairs names the point {name!r} twice", argument=_PAIRS)
            if partner in point_names:
                order[place] = list(point_names).index(partner)
    return order
