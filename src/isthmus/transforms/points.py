"""Points that `torchvision.transforms.v2` moves with the image, exactly.

Coordinates are (x, y) in pixels where whole numbers are the centres of pixels. The points of torchvision itself
(`tv_tensors.KeyPoints`) are mirrored in these coordinates, but scaled, turned and sheared in those that begin at the
corner of the first pixel, half a pixel away; here each is handed to torchvision in the coordinates that it means.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import grid_sample
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from isthmus.errors import MissingExtraError

_HALF = 0.5
_ELASTIC_STEPS = 20

if not hasattr(v2, "ClampKeyPoints"):  # before, torchvision had no points, or moved those outside onto the edge
    raise MissingExtraError("torchvision>=0.24", "keypoints")


class PixelPoints(tv_tensors.TVTensor):
    """Points `(..., 2)` in an image, (x, y) in pixels; NaN where there is none.

    Attributes:
        canvas_size: height and width of the image.
    """

    canvas_size: tuple[int, int]

    @classmethod
    def of(cls, points: Tensor, canvas_size: tuple[int, int]) -> "PixelPoints":
        """Points of an image of this height and width."""
        wrapped = points.as_subclass(cls)
        wrapped.canvas_size = (int(canvas_size[0]), int(canvas_size[1]))
        return wrapped


def _through_torchvision(transform: Callable[..., Any], shift: float) -> Callable[..., PixelPoints]:
    """The transform for points, by torchvision's own, whose coordinates are larger by `shift`."""

    def kernel(points: PixelPoints, *args: Any, **kwargs: Any) -> PixelPoints:
        plain = points.as_subclass(Tensor)
        moved = transform(tv_tensors.KeyPoints(plain + shift, canvas_size=points.canvas_size), *args, **kwargs)
        return PixelPoints.of(moved.as_subclass(Tensor) - shift, moved.canvas_size)

    return kernel


def _rotate(
    points: PixelPoints, angle: float, *, expand: bool = False, center: list[float] | None = None, **_: Any
) -> PixelPoints:
    turned = _TURN(points, angle, center=center)
    if not expand:
        return turned
    # Images grow about their centre; torchvision may give the points a canvas of another size than the image has.
    size = points.canvas_size
    grown = functional.get_size(functional.rotate(torch.empty(1, *size), angle, expand=True, center=center))
    shift = torch.tensor([(grown[1] - size[1]) / 2, (grown[0] - size[0]) / 2], dtype=points.dtype)
    return PixelPoints.of(turned.as_subclass(Tensor) + shift, (grown[0], grown[1]))


def _elastic(points: PixelPoints, displacement: Tensor, **_: Any) -> PixelPoints:
    """Where the pixels under the points go.

    The image at q shows what was at q + d(q), so that a point p goes to the q with q = p - d(q).
    """
    height, width = points.canvas_size
    size = torch.tensor([width, height], dtype=torch.float32)
    field = displacement.to(torch.float32).movedim(-1, 1)  # (1, 2, height, width), in halves of the image
    start = (points.as_subclass(Tensor).float().reshape(1, 1, -1, 2) + _HALF) / size * 2 - 1
    place = start = start.nan_to_num(0.0)
    for _step in range(_ELASTIC_STEPS):
        shift = grid_sample(field, place, padding_mode="border", align_corners=False)
        place = start - shift.movedim(1, -1)
    moved = ((place + 1) / 2 * size - _HALF).reshape(points.shape).to(points.dtype)
    plain = points.as_subclass(Tensor)
    return PixelPoints.of(torch.where(plain.isnan(), plain, moved), points.canvas_size)


_TURN = _through_torchvision(functional.rotate, _HALF)

_KERNELS: dict[Callable[..., Any], Callable[..., PixelPoints]] = {
    **{
        transform: _through_torchvision(transform, 0.0)
        for transform in (
            functional.horizontal_flip,
            functional.vertical_flip,
            functional.crop,
            functional.center_crop,
            functional.pad,
        )
    },
    **{
        transform: _through_torchvision(transform, _HALF)
        for transform in (functional.resize, functional.resized_crop, functional.affine, functional.perspective)
    },
    functional.rotate: _rotate,
    functional.elastic: _elastic,
}

for _transform, _kernel in _KERNELS.items():
    functional.register_kernel(_transform, PixelPoints)(_kernel)
