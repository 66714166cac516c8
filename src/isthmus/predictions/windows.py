"""One result out of those of overlapping windows."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from isthmus.errors import ArgumentError


@dataclass(frozen=True)
class Window:
    """What a model gives for one window of a scene.

    Attributes:
        values: of its pixels, `(..., height, width)`, or the points in it, `(N, K, 3)`.
        row: of its first pixel in the scene; below 0 where it sticks out.
        column: of its first pixel in the scene.
        weight: how much each of its pixels counts, `(height, width)`; all the same where None.
    """

    values: Tensor
    row: int
    column: int
    weight: Tensor | None = None


def mean_of_windows(windows: Sequence[Window], size: tuple[int, int]) -> Tensor:
    """The weighted mean of what the windows say of each pixel, `(..., height, width)`, float32.

    Args:
        windows: whose values belong to pixels; what sticks out of the scene is left out.
        size: (height, width) of the scene, or of the part of it that is asked for.

    Returns:
        NaN where no window is, or all of them weigh 0.

    Raises:
        ArgumentError: there is no window.
    """
    if not windows:
        raise ArgumentError("there are no windows to be blended", argument="windows")
    first = windows[0].values
    total = torch.zeros((*first.shape[:-2], *size), dtype=torch.float32, device=first.device)
    weights = total.new_zeros(size)
    for window in windows:
        values = window.values
        weight = total.new_ones(values.shape[-2:]) if window.weight is None else window.weight
        (inside_y, y), (inside_x, x) = (
            _overlap(start, length, whole)
            for start, length, whole in zip((window.row, window.column), values.shape[-2:], size, strict=True)
        )
        part = weight[inside_y, inside_x]
        total[..., y, x] += values[..., inside_y, inside_x].float() * part
        weights[y, x] += part
    return total / weights


def merge_points(windows: Sequence[Window], distance: float) -> Float[Tensor, "instances points 3"]:
    """The points of all windows, in pixels of the scene, each once.

    Of points of a name that are nearer to each other than `distance`, the one with the highest score stays.

    Args:
        windows: whose values are points `(N, K, 3)`: x, y and score; NaN where there is none.
        distance: in pixels.

    Returns:
        `(M, K, 3)`, those of a name by falling scores; NaN behind the last.

    Raises:
        ArgumentError: there is no window.
    """
    if not windows:
        raise ArgumentError("there are no windows to be blended", argument="windows")
    shifted = [each.values + each.values.new_tensor([each.column, each.row, 0]) for each in windows]
    kept = [_far_apart(points.tolist(), distance) for points in torch.cat(shifted).unbind(1)]
    merged = shifted[0].new_full((max(map(len, kept)), len(kept), 3), torch.nan)
    for name, points in enumerate(kept):
        if points:
            merged[: len(points), name] = merged.new_tensor(points)
    return merged


def _overlap(start: int, length: int, whole: int) -> tuple[slice, slice]:
    """Along one axis, the part of a window that lies in the scene: within the window, and within the scene."""
    low, high = max(start, 0), max(min(start + length, whole), max(start, 0))
    return slice(low - start, high - start), slice(low, high)


def _far_apart(points: list[list[float]], distance: float) -> list[list[float]]:
    """The points that no better one is near to, the best first.

    They are looked for by cells, so that a point takes no longer the more there are.
    """
    cells: dict[tuple[int, int], list[list[float]]] = defaultdict(list)
    kept = []
    side = max(distance, 1e-6)
    for point in sorted((each for each in points if not math.isnan(each[0])), key=lambda each: -each[2]):
        column, row = math.floor(point[0] / side), math.floor(point[1] / side)
        around = ((column + dx, row + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1))
        near = (other for cell in around for other in cells.get(cell, ()))
        if all(math.dist(point[:2], other[:2]) >= distance for other in near):
            cells[column, row].append(point)
            kept.append(point)
    return kept
