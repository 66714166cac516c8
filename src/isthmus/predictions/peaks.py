"""From maps to points: where the peaks are, to a fraction of a cell."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from isthmus.errors import ArgumentError, ShapeError, did_you_mean

REFINEMENTS = ("quadratic", "integral", "offsets", "none")

_FLOOR = 1e-6  # of confidence, below which its logarithm says nothing
_WINDOW = 2  # cells on each side of a peak whose centre of mass is taken, as SLEAP does


def find_peaks(
    maps: Float[Tensor, "batch points height width"],
    stride: int = 1,
    *,
    threshold: float = 0.2,
    refine: str = "quadratic",
    max_instances: int = 1,
    radius: int = 1,
    offsets: Float[Tensor, "batch vectors height width"] | None = None,
) -> tuple[Float[Tensor, "batch instances points 2"], Float[Tensor, "batch instances points"]]:
    """Find the points that confidence maps speak of.

    One instance: the highest cell of every map. Several: the highest local maxima, which are the highest within
    `radius` cells along both axes, so that no two are nearer to each other than that; equal ones count once.

    There is no loop over cells, and no shape depends on values: it can be exported.

    Args:
        maps: confidence, one map a point name.
        stride: pixels from cell to cell.
        threshold: peaks that are not higher are no points.
        refine: how a peak is placed within its cell. "quadratic": the summit of the parabola through the logarithms of
            the peak and its neighbours along each axis, exact for a Gaussian (compare Zhang et al. 2020,
            arXiv:1910.06278); "integral": the centre of mass of the 5 x 5 cells around it, as in SLEAP (Pereira et al.
            2022), which is drawn towards the cell where the Gaussian is wider than the window; "offsets": by the
            vectors that the network predicts; "none".
        max_instances: how many points a map may hold.
        radius: cells around a peak in which no lower peak counts, where there may be several.
        offsets: vectors in pixels from cell to point, `(batch, 2 K, height, width)`, x and y of the first point first.

    Returns:
        (x, y) in pixels, NaN where a map has no further peak above the threshold, the highest first; and the height of
        each peak, NaN where there is none at all.

    Raises:
        ArgumentError: `refine` is not known, or offsets are missing.
        ShapeError: the maps are too small to be refined.
    """
    _check(maps, refine, offsets)
    width = maps.shape[-1]
    heights = maps.detach() if max_instances == 1 else _only_maxima(maps.detach(), radius)
    scores, index = heights.flatten(2).topk(min(max_instances, heights[0, 0].numel()))
    rows = torch.div(index, width, rounding_mode="floor")
    columns = index - rows * width
    cells = torch.stack([columns, rows], -1)
    if refine == "offsets" and offsets is not None:
        points = stride * cells + _at(offsets.detach().unflatten(1, (-1, 2)), index)
    elif refine == "quadratic":
        points = stride * _summit(maps.detach(), cells)
    elif refine == "integral":
        points = stride * _centre_of_mass(maps.detach(), cells)
    else:
        points = (stride * cells).to(maps.dtype)
    points = torch.where((scores > threshold).unsqueeze(-1), points, torch.nan)
    scores = torch.where(scores == -torch.inf, torch.nan, scores)
    return points.transpose(1, 2), scores.transpose(1, 2)


def _check(maps: Tensor, refine: str, offsets: Tensor | None) -> None:
    if refine not in REFINEMENTS:
        hint = did_you_mean(refine, REFINEMENTS) or "."
        raise ArgumentError(f"peaks cannot be refined by {refine!r}{hint} There are: {', '.join(REFINEMENTS)}")
    if refine == "offsets" and offsets is None:
        raise ArgumentError("refine is 'offsets', but there are no offset maps; let the model predict them")
    if refine == "quadratic" and min(maps.shape[-2:]) < 3:
        raise ShapeError(f"maps of {tuple(maps.shape[-2:])} are too small for a parabola; 3 cells were expected")


def _only_maxima(maps: Tensor, radius: int) -> Tensor:
    """The maps with all but their local maxima at minus infinity."""
    size = 2 * radius + 1
    highest = maps == F.max_pool2d(maps, size, 1, radius)
    # of equal neighbours, as saturated maps have them, the last counts
    number = torch.arange(1, maps[0, 0].numel() + 1, device=maps.device, dtype=torch.float32).view_as(maps[0, 0])
    order = torch.where(highest, number, 0.0)
    last = order == F.max_pool2d(order, size, 1, radius)
    return torch.where(highest & last, maps, -torch.inf)


def _at(values: Tensor, index: Tensor) -> Tensor:
    """The values `(B, K, 2, h, w)` in cells `(B, K, N)`, as `(B, K, N, 2)`."""
    wanted = index.unsqueeze(2).expand(-1, -1, values.shape[2], -1)
    return values.flatten(3).gather(3, wanted).transpose(2, 3)


def _summit(maps: Tensor, cells: Tensor) -> Tensor:
    """The summit of a parabola through three logarithms along each axis, at most one cell away from the peak.

    At the border the three cells are those nearest to it, so that a point beyond the last cell is found as well.
    """
    logs = maps.clamp_min(_FLOOR).log().flatten(2)
    width, height = maps.shape[-1], maps.shape[-2]
    places = []
    for axis, (count, step) in enumerate(((width, 1), (height, width))):
        middle = cells[..., axis].clamp(1, count - 2)
        other = cells[..., 1 - axis]
        index = middle * step + other * (width if axis == 0 else 1)
        before, here, after = (logs.gather(2, index + shift * step) for shift in (-1, 0, 1))
        bend = before - 2 * here + after
        shift = torch.where(bend < 0, 0.5 * (before - after) / torch.where(bend < 0, bend, -1.0), 0.0)
        peak = cells[..., axis]
        places.append(torch.clamp(middle + shift, peak - 1, peak + 1))
    return torch.stack(places, -1)


def _centre_of_mass(maps: Tensor, cells: Tensor) -> Tensor:
    """The centre of mass of the cells around a peak; what lies outside the map or below 0 weighs nothing."""
    padded = F.pad(maps.clamp_min(0), (_WINDOW,) * 4)
    width = padded.shape[-1]
    reach = torch.arange(-_WINDOW, _WINDOW + 1, device=maps.device)
    dy, dx = (each.flatten() for each in torch.meshgrid(reach, reach, indexing="ij"))
    centre = (cells[..., 1] + _WINDOW) * width + cells[..., 0] + _WINDOW
    around = (centre.unsqueeze(-1) + dy * width + dx).flatten(2)
    weights = padded.flatten(2).gather(2, around).unflatten(2, (-1, len(dx)))
    total = weights.sum(-1).clamp_min(_FLOOR)
    shift = torch.stack([(weights * each).sum(-1) / total for each in (dx, dy)], -1)
    return cells + shift
