"""What grows and stands on the land: woods, fields in parcels, towns and roads, bare ground."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.demo.noise import Field, fractal, scatter, smooth
from isthmus.demo.terrain import Terrain

WATER, FOREST, CROPLAND, GRASS, BUILT, BARE, CLOUD = range(7)
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Parcels:
    """Land divided into fields.

    Attributes:
        key: one integer a parcel, `(height, width)`.
        across: the position across the direction of ploughing, in pixels.
        edge: whether a pixel lies on the boundary of a parcel.
    """

    key: NDArray[np.int64]
    across: Field
    edge: Mask


@dataclass(frozen=True)
class Cover:
    """The land cover and what its look depends on.

    Attributes:
        classes: the class of every pixel, `(height, width)`.
        parcels: the parcels, also where no field is.
        pavement: streets and roads among the built-up pixels.
    """

    classes: NDArray[np.uint8]
    parcels: Parcels
    pavement: Mask


def draw_cover(rng: np.random.Generator, terrain: Terrain) -> Cover:
    """Decide what covers every pixel, from the shape of the land and from chance."""
    shape = terrain.slope.shape
    parcels = _draw_parcels(rng, shape)
    towns, streets = _draw_towns(rng, terrain)
    use = scatter(parcels.key, 5) + 1.6 * smooth(terrain.slope, 6)
    classes = np.where((use < 0.62) & (terrain.slope < 0.16), CROPLAND, GRASS).astype(np.uint8)
    classes[_wooded(rng, terrain, parcels)] = FOREST
    classes[_bare(rng, terrain, parcels)] = BARE
    classes[towns] = BUILT
    parks = fractal(rng, shape, 25, 2.2) > 1.5
    classes[towns & parks] = GRASS
    classes[terrain.river | terrain.lake] = WATER
    streets &= ~terrain.lake
    classes[streets] = BUILT
    return Cover(classes, parcels, streets)


def _wooded(rng: np.random.Generator, terrain: Terrain, parcels: Parcels) -> Mask:
    """Forests, hedges between fields, and trees along the water.

    Farmers cleared the plain in whole parcels, so the borders of woods are straight there and ragged in the hills.
    """
    shape = terrain.slope.shape
    wild = fractal(rng, shape, 180, 2.4) + 30 * (smooth(terrain.slope, 4) - 0.09) + 0.8 * fractal(rng, shape, 40, 1.8)
    cleared = _mean_by_parcel(wild, parcels.key) + 2.6 * (scatter(parcels.key, 11) - 0.5)
    forest = np.where(terrain.slope > 0.10, wild, cleared) > 0.75
    hedge = parcels.edge & (scatter(parcels.key // 3, 21) < 0.35) & (fractal(rng, shape, 12, 1.5) > -0.4)
    bank = (terrain.wetness > 0.35) & (fractal(rng, shape, 14, 1.6) > 0.35)
    return np.asarray(forest | hedge | bank)


def _mean_by_parcel(field: NDArray, key: NDArray[np.int64]) -> NDArray:
    _, index = np.unique(key, return_inverse=True)
    index = index.reshape(-1)
    return (np.bincount(index, field.reshape(-1)) / np.bincount(index))[index].reshape(field.shape)


def _bare(rng: np.random.Generator, terrain: Terrain, parcels: Parcels) -> Mask:
    """Rock on the steepest ground, sand along rivers, and quarries."""
    shape = terrain.slope.shape
    rock = terrain.slope + 0.035 * fractal(rng, shape, 30, 1.8) > 0.33
    sand = (smooth(terrain.river.astype(np.float32), 3.0) > 0.28) & (fractal(rng, shape, 50, 2.2) > 0.7)
    quarry = (scatter(parcels.key, 31) < 0.035) & (terrain.slope > 0.03) & ~parcels.edge
    return rock | sand | quarry


def _draw_parcels(rng: np.random.Generator, shape: tuple[int, int]) -> Parcels:
    """Divide the land: neighbourhoods lie at their own angle, each in strips, each strip in fields."""
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    rows += 4 * fractal(rng, shape, 160, 2.5)
    columns += 4 * fractal(rng, shape, 160, 2.5)
    region = _neighbourhoods(rng, rows, columns)
    angle = scatter(region, 1) * np.pi
    along = np.cos(angle) * columns + np.sin(angle) * rows
    across = np.cos(angle) * rows - np.sin(angle) * columns
    size = 14 + 16 * scatter(region, 2)
    strip = np.floor(across / size).astype(np.int64)
    strip_key = region * 4096 + strip + 2048
    length = size * (1.0 + 2.2 * scatter(strip_key, 3))
    field = np.floor(along / length + scatter(strip_key, 4)).astype(np.int64)
    key = strip_key * 4096 + field + 2048
    edge = np.zeros(shape, bool)
    edge[:, 1:] |= key[:, 1:] != key[:, :-1]
    edge[1:, :] |= key[1:, :] != key[:-1, :]
    return Parcels(key, np.asarray(across, np.float32), edge)


def _neighbourhoods(rng: np.random.Generator, rows: NDArray, columns: NDArray) -> NDArray[np.int64]:
    """Number every pixel by the nearest of some scattered points (Voronoi)."""
    centres = rng.uniform(0, 1, (rows.size // 14_000 + 1, 2)) * np.array(rows.shape)
    region, nearest = np.zeros(rows.shape, np.int64), np.full(rows.shape, np.inf, np.float32)
    for number, (row, column) in enumerate(centres):
        distance = (rows - np.float32(row)) ** 2 + (columns - np.float32(column)) ** 2
        region[distance < nearest] = number
        nearest = np.minimum(nearest, distance)
    return region


def _draw_towns(rng: np.random.Generator, terrain: Terrain) -> tuple[Mask, Mask]:
    """Settle on gentle slopes, lay streets in the towns and roads between them.

    Returns:
        Where towns are, and where streets and roads are.
    """
    shape = terrain.slope.shape
    places = _sites(rng, terrain, count=max(3, shape[0] * shape[1] // 55_000))
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    density = np.zeros(shape, np.float32)
    streets = np.zeros(shape, bool)
    ragged = fractal(rng, shape, 30, 2.0)
    for row, column in places:
        radius, angle = rng.uniform(12, 38), rng.uniform(0, np.pi)
        near = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / np.float32(2 * radius**2))
        density = np.maximum(density, near)
        along = np.cos(angle) * columns + np.sin(angle) * rows + 1.5 * ragged
        across = np.cos(angle) * rows - np.sin(angle) * columns + 1.5 * ragged
        grid = (np.mod(along, rng.uniform(8, 11)) < 1.3) | (np.mod(across, rng.uniform(7, 9)) < 1.3)
        streets |= grid & (near + 0.1 * ragged > 0.42)
    towns = (density + 0.13 * ragged > 0.45) & (terrain.slope < 0.22)
    streets &= towns
    for start, end in _links(places):
        _road(rng, streets, start, end)
    return towns, streets


def _sites(rng: np.random.Generator, terrain: Terrain, count: int) -> list[tuple[int, int]]:
    shape = terrain.slope.shape
    places: list[tuple[int, int]] = []
    for _ in range(40 * count):
        row, column = int(rng.integers(10, shape[0] - 10)), int(rng.integers(10, shape[1] - 10))
        flat = terrain.slope[row, column] < 0.07 and not (terrain.lake[row, column] or terrain.river[row, column])
        if flat and all(np.hypot(row - r, column - c) > 95 for r, c in places):
            places.append((row, column))
        if len(places) == count:
            break
    return places


def _links(places: list[tuple[int, int]]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """The shortest tree of roads that joins all towns (Prim)."""
    joined, links = places[:1], []
    while len(joined) < len(places):
        outside = [place for place in places if place not in joined]
        start, end = min(
            ((a, b) for a in joined for b in outside), key=lambda pair: np.hypot(*np.subtract(pair[0], pair[1]))
        )
        joined.append(end)
        links.append((start, end))
    return links


def _road(rng: np.random.Generator, canvas: Mask, start: tuple[int, int], end: tuple[int, int]) -> None:
    a, b = np.array(start, float), np.array(end, float)
    length = float(np.hypot(*(b - a)))
    steps = np.linspace(0, 1, int(3 * length))
    sideways = np.array([-(b - a)[1], (b - a)[0]]) / length
    bend = rng.normal(0, 0.10) * np.sin(np.pi * steps) + rng.normal(0, 0.05) * np.sin(2 * np.pi * steps)
    line = a + steps[:, None] * (b - a) + (length * bend)[:, None] * sideways
    pixels = np.round(np.concatenate([line, line + 0.7])).astype(int)
    inside = ((pixels >= 0) & (pixels < np.array(canvas.shape))).all(axis=1)
    canvas[tuple(pixels[inside].T)] = True
