"""Hills, and the rivers and lakes that the water makes on them."""

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.demo.noise import Field, fractal, smooth

COARSE = 4
"""Water is routed on every so-manieth pixel."""


@dataclass(frozen=True)
class Terrain:
    """The shape of the land, `(height, width)` arrays.

    Attributes:
        slope: rise over run.
        shade: the cosine of the angle between the sun and the ground, over that of flat ground.
        river: whether a river runs there.
        lake: whether a lake lies there.
        wetness: how near water is: 1 at a bank, falling to 0 within some 200 m.
    """

    slope: Field
    shade: Field
    river: NDArray[np.bool_]
    lake: NDArray[np.bool_]
    wetness: Field


def draw_terrain(rng: np.random.Generator, shape: tuple[int, int], pixel_size: float) -> Terrain:
    """Draw hills in the north-west that fall to a plain in the south-east, and let water run over them."""
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]] / max(shape)
    hills = fractal(rng, shape, 300, 3.2)
    ridges = -np.abs(fractal(rng, shape, 220, 2.6))
    relief = np.clip(0.75 + 0.5 * fractal(rng, shape, 500, 3.5), 0.12, 2)
    elevation = (
        160 - 110 * rows - 60 * columns + relief * (38 * hills + 34 * ridges) + 1.2 * fractal(rng, shape, 40, 2.0)
    )
    filled, receiver = _drain(elevation[::COARSE, ::COARSE])
    river = _rivers(filled, receiver, shape)
    lake = smooth(_enlarge(filled - elevation[::COARSE, ::COARSE], shape), 2.5) > 11.0
    surface = smooth(elevation, 2.0)
    south, east = (np.asarray(part, np.float32) for part in np.gradient(surface, pixel_size))
    water = (river | lake).astype(np.float32)
    wetness = np.clip(4 * smooth(water, 9.0), 0, 1)
    return Terrain(np.hypot(south, east), _shade(south, east), river, lake, wetness)


def _shade(south: NDArray, east: NDArray) -> Field:
    bearing, height = np.radians(155.0), np.radians(48.0)  # late in a summer morning
    exaggeration = 2.5
    normal = np.sqrt(1 + exaggeration**2 * (south**2 + east**2))
    toward_south, toward_east = -np.cos(bearing), np.sin(bearing)
    facing = -exaggeration * (south * toward_south + east * toward_east)
    cosine = (np.sin(height) + np.cos(height) * facing) / normal
    return np.asarray(np.clip(cosine / np.sin(height), 0.25, 1.6), dtype=np.float32)


def _drain(elevation: NDArray) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Fill the hollows (priority flood: Barnes et al. 2014) and find to which cell each cell's water goes next.

    Returns:
        The level to which water stands, and the flat index of the receiving cell; itself at the rim.
    """
    height, width = elevation.shape
    level = np.array(elevation, dtype=np.float64)
    receiver = np.arange(height * width).reshape(height, width)
    seen = np.zeros(elevation.shape, dtype=bool)
    seen[[0, -1], :] = seen[:, [0, -1]] = True
    queue = [(level[r, c], r, c) for r, c in zip(*np.nonzero(seen), strict=True)]
    heapq.heapify(queue)
    around = [(-1, 0), (0, -1), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)]
    while queue:
        here, row, column = heapq.heappop(queue)
        for down, right in around:
            r, c = row + down, column + right
            if 0 <= r < height and 0 <= c < width and not seen[r, c]:
                seen[r, c] = True
                level[r, c] = max(level[r, c], here + 1e-4)
                receiver[r, c] = row * width + column
                heapq.heappush(queue, (level[r, c], r, c))
    return level, receiver


def _rivers(level: NDArray, receiver: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Paint the channels that drain enough land, as wide as what they carry asks for."""
    flow = np.ones(level.size)
    target = receiver.ravel()
    for cell in np.argsort(level, axis=None)[::-1]:
        if target[cell] != cell:
            flow[target[cell]] += flow[cell]
    position = np.stack(np.divmod(np.arange(level.size), level.shape[1]), axis=1) * float(COARSE)
    for _ in range(6):  # a channel follows the mean course, not the cells
        position = 0.5 * position + 0.5 * position[target]
    river = np.zeros(shape, dtype=bool)
    for cell in np.flatnonzero(flow > level.size / 90):
        radius = 0.75 + 4.2 * np.sqrt(flow[cell] / level.size)
        for step in np.linspace(0, 1, COARSE):
            _disc(river, position[cell] + step * (position[target[cell]] - position[cell]), radius)
    return river


def _disc(canvas: NDArray[np.bool_], centre: NDArray, radius: float) -> None:
    top, left = np.maximum(np.floor(centre - radius).astype(int), 0)
    bottom, right = np.ceil(centre + radius).astype(int) + 1
    window = canvas[top:bottom, left:right]
    rows, columns = np.mgrid[top : top + window.shape[0], left : left + window.shape[1]]
    window |= (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2


def _enlarge(field: NDArray, shape: tuple[int, int]) -> NDArray:
    return np.repeat(np.repeat(field, COARSE, axis=0), COARSE, axis=1)[: shape[0], : shape[1]]
