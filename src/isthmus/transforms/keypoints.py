"""Keypoints that move with the image, and transforms of images with keypoints."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from isthmus.transforms.points import PixelPoints
from isthmus.transforms.sample import SampleTransform, Transform, size_of

_MARKS = "orientation of the image"
_ROUNDING = 0.01  # pixels


class MovingPoints:
    """Keypoints `(N, K, 2)` that move with the image.

    Those that leave it become NaN, and instances of which no point is left are dropped. Where the image is mirrored,
    however that came about, pairs of points change places: what was a left ear is a right ear now.

    Args:
        swap_order: the order of the K points in a mirrored image; None where no pair changes places.
    """

    def __init__(self, swap_order: Sequence[int] | None = None) -> None:
        self.swap_order = None if swap_order is None else list(swap_order)

    def wrap(self, sample: Mapping[str, Any], *, leaves_gaps: bool) -> dict[str, Any]:  # noqa: ARG002
        """The points, and three marks that tell whether the image was mirrored."""
        if "keypoints" not in sample:
            return {}
        height, width = size_of(sample["image"])
        marks = torch.tensor([[0.25, 0.25], [0.75, 0.25], [0.25, 0.75]]) * torch.tensor([width, height])
        return {
            "keypoints": PixelPoints.of(sample["keypoints"], (height, width)),
            _MARKS: PixelPoints.of(marks, (height, width)),
        }

    def unwrap(self, moved: dict[str, Any]) -> dict[str, Any]:
        """The sample with the points that are inside the image."""
        if "keypoints" not in moved:
            return moved
        points, marks = (moved.pop(key).as_subclass(Tensor) for key in ("keypoints", _MARKS))
        if self.swap_order is not None and _is_mirrored(marks):
            points = points[:, self.swap_order]
        return {**moved, "keypoints": _inside(points, *size_of(moved["image"]))}


class KeypointTransform(SampleTransform):
    """Applies transforms of `torchvision.transforms.v2` (or any callable on a dictionary) to images with keypoints.

    What becomes of the points is said by `MovingPoints`.

    Args:
        transforms: one transform, or several to apply one after the other.
        swap_order: the order of the K points in a mirrored image; None where no pair changes places.
    """

    def __init__(self, transforms: Transform | Sequence[Transform], swap_order: Sequence[int] | None = None) -> None:
        super().__init__(transforms, targets=[MovingPoints(swap_order)])


def _is_mirrored(marks: Tensor) -> bool:
    """Whether three points that stood at the centre, to its right and below it do so no longer in that sense."""
    origin, right, below = marks
    return bool(torch.linalg.det(torch.stack([right - origin, below - origin])) < 0)


def _inside(points: Tensor, height: int, width: int) -> Tensor:
    """The points with NaN for those outside the image, without instances that have none inside."""
    edge = torch.tensor([width, height], dtype=points.dtype) - 0.5
    inside = ((points >= -0.5 - _ROUNDING) & (points <= edge + _ROUNDING)).all(-1, keepdim=True)  # false for NaN
    points = torch.where(inside, torch.minimum(points.clamp(min=-0.5), edge), torch.nan)
    return points[inside.flatten(1).any(1)]
