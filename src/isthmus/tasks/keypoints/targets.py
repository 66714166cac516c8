"""From the points of a batch to the maps that a network learns.

A coordinate is (x, y) = (column, row) in pixels of the image; whole numbers are the centres of pixels. The cell (i, j)
of a map of stride s lies at x = j s, y = i s.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from isthmus.errors import DataError, LabelError, ShapeError
from isthmus.specs import Points

OFFSET_THRESHOLD = 0.2
"""The confidence above which a cell learns how far away its point is; that of SLEAP."""

_CELLS_AT_ONCE = 2**23  # of all instances together, 32 MiB


@dataclass(frozen=True)
class PointTarget:
    """The true points of a batch.

    Attributes:
        points: `(batch, instances, points, 2)` in pixels; NaN where there is none.
        image_size: (height, width) of the images.
    """

    points: Tensor
    image_size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.points)


def check_points(points: Tensor, images: int, spec: Points, filenames: Sequence[str] | None = None) -> None:
    """Check the true points of a batch.

    Args:
        points: as the data give them, `(batch, instances, points, 2)`.
        images: how many images there are.
        spec: the points that there may be.
        filenames: where the images come from, for messages.

    Raises:
        ShapeError: they have another shape.
        LabelError: a point is infinite, or only half of it is NaN.
        DataError: an image holds more points of a name than may be.
    """
    count = len(spec.names)
    if points.ndim != 4 or (points.shape[0], *points.shape[2:]) != (images, count, 2):
        raise ShapeError(
            f"keypoints have the shape {tuple(points.shape)}; expected ({images}, instances, {count}, 2): images, "
            f"instances, the points {', '.join(spec.names)}, and x and y"
        )
    absent = points.isnan()
    broken = (absent[..., 0] != absent[..., 1]) | points.isinf().any(-1)
    labelled = (~absent).all(-1).sum(1)  # (images, points)
    most, any_broken = torch.stack([labelled.max(), broken.sum()]).tolist()
    if any_broken:
        raise LabelError(f"keypoints are infinite or half NaN in {_named(broken.flatten(1).any(1), filenames)}")
    if most > spec.max_instances:
        crowded = _named((labelled > spec.max_instances).any(1), filenames)
        raise DataError(
            f"{crowded}: up to {most} points of one name are labelled, but max_instances is {spec.max_instances}; set "
            "it to the most that an image holds"
        )


def _named(bad: Tensor, filenames: Sequence[str] | None) -> str:
    numbers = bad.nonzero().flatten().tolist()
    return ", ".join(str(filenames[number]) if filenames else f"sample {number}" for number in numbers)


def confidence_maps(
    keypoints: Float[Tensor, "batch instances points 2"], size: Sequence[int], stride: int, sigma: float
) -> Float[Tensor, "batch points height width"]:
    """How near each cell is to a point: exp(-d^2 / (2 sigma^2)), of the nearest where several instances have the point.

    A point that is NaN contributes nothing; a map without a point is 0 throughout. Maps of this kind go back to
    Tompson et al. 2014 (arXiv:1406.2984); these are those of SLEAP (Pereira et al. 2022, Nature Methods 19).

    Args:
        keypoints: (x, y) in pixels of the image.
        size: (height, width) of the maps in cells.
        stride: pixels from cell to cell.
        sigma: the standard deviation in pixels of the image, whatever the stride. Below half the stride a point
            between cells is hardly seen.
    """
    along_y, along_x = _profiles(keypoints, size, stride, sigma)
    maps = keypoints.new_zeros((keypoints.shape[0], keypoints.shape[2], *size))
    chunk = max(1, _CELLS_AT_ONCE // max(maps.numel(), 1))
    for rows, columns in zip(along_y.split(chunk, 1), along_x.split(chunk, 1), strict=True):
        if rows.shape[1]:
            maps = torch.maximum(maps, (rows.unsqueeze(-1) * columns.unsqueeze(-2)).amax(1))
    return maps


def offset_maps(
    keypoints: Float[Tensor, "batch instances points 2"], size: Sequence[int], stride: int, sigma: float
) -> Float[Tensor, "batch points 2 height width"]:
    """The vector in pixels from each cell to its nearest point; NaN where the confidence is at most 0.2.

    The offset refinement of SLEAP (Pereira et al. 2022), with the same threshold.

    Args:
        keypoints: see `confidence_maps`, as for all others.
        size: (height, width) of the maps in cells.
        stride: pixels from cell to cell.
        sigma: the standard deviation in pixels of the image.
    """
    batch, instances, points, _ = keypoints.shape
    if not instances:
        return keypoints.new_full((batch, points, 2, *size), torch.nan)
    along_y, along_x = _profiles(keypoints, size, stride, sigma)
    nearest = (along_y.unsqueeze(-1) * along_x.unsqueeze(-2)).max(1)
    ys, xs = (stride * torch.arange(count, device=keypoints.device, dtype=keypoints.dtype) for count in size)
    place = keypoints.permute(0, 2, 3, 1)  # (batch, points, 2, instances)
    wanted = nearest.indices.flatten(2).unsqueeze(2).expand(-1, -1, 2, -1)
    targets = place.gather(3, wanted).unflatten(3, tuple(size))
    offsets: Tensor = targets - torch.stack([xs.expand(*size), ys.unsqueeze(-1).expand(*size)])
    return offsets.masked_fill(nearest.values.unsqueeze(2) <= OFFSET_THRESHOLD, torch.nan)


def _profiles(keypoints: Tensor, size: Sequence[int], stride: int, sigma: float) -> tuple[Tensor, Tensor]:
    """The two factors of the Gaussian of every point, along rows and along columns; 0 for absent points."""
    factors = []
    for axis, count in ((1, size[0]), (0, size[1])):
        cells = stride * torch.arange(count, device=keypoints.device, dtype=keypoints.dtype)
        distance = (cells - keypoints[..., axis].unsqueeze(-1)) / sigma
        factors.append(torch.exp(-0.5 * distance.square()))
    absent = keypoints.isnan().any(-1, keepdim=True)
    return factors[0].masked_fill(absent, 0), factors[1].masked_fill(absent, 0)
