"""A landscape that never was, as a satellite would see it, with the truth about every pixel.

It is for demonstrations and tests that need imagery without a download: six bands with plausible spectra, hills that
shade themselves, rivers that run downhill, fields, towns, clouds with shadows, mixed pixels and noise. Classes overlap
in their spectra as they do in nature, so a classifier of single pixels confuses what texture and shape can tell apart.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.demo.cover import CLOUD, draw_cover
from isthmus.demo.noise import Field, fractal, smooth
from isthmus.demo.spectra import BANDS, observe, surface_reflectance
from isthmus.demo.terrain import draw_terrain

CLASS_NAMES = ("water", "forest", "cropland", "grass", "built-up", "bare", "cloud")
CLASS_COLORS = (
    (43, 108, 176),
    (31, 107, 58),
    (217, 164, 65),
    (156, 204, 101),
    (192, 57, 43),
    (184, 169, 154),
    (255, 255, 255),
)
IGNORE = 255
"""The label of pixels whose class is not told: no data, and veils of cloud that are neither cloud nor land."""
NODATA = -9999
PIXEL_SIZE = 10.0
CRS = "EPSG:32632"


@dataclass(frozen=True)
class Landscape:
    """A drawn scene.

    Attributes:
        image: reflectance × 10 000, `(band, height, width)`; `NODATA` outside the swath.
        labels: the class of every pixel, `(height, width)`; `IGNORE` where it is not told.
        bands: the names of the bands.
        class_names: the names of the classes in the order of their numbers.
        class_colors: their colours, (red, green, blue).
        crs: the coordinate reference system.
        transform: the six numbers of the affine transform from (column, row) to (east, north).
    """

    image: NDArray[np.int16]
    labels: NDArray[np.uint8]
    bands: tuple[str, ...] = BANDS
    class_names: tuple[str, ...] = CLASS_NAMES
    class_colors: tuple[tuple[int, int, int], ...] = CLASS_COLORS
    crs: str = CRS
    transform: tuple[float, float, float, float, float, float] = (PIXEL_SIZE, 0, 612_340, 0, -PIXEL_SIZE, 5_287_660)


def draw_landscape(height: int = 768, width: int = 1024, seed: int = 0) -> Landscape:
    """Draw a landscape; the same numbers give the same landscape, to the bit."""
    rng = np.random.default_rng(seed)
    terrain = draw_terrain(rng, (height, width), PIXEL_SIZE)
    cover = draw_cover(rng, terrain)
    cloud, shadow = _draw_clouds(rng, (height, width))
    surface = surface_reflectance(rng, cover, terrain)
    water = terrain.river | terrain.lake
    seen = observe(rng, surface, np.where(water, np.float32(1), terrain.shade), cloud, shadow)
    labels = np.where(cloud > 0.55, np.uint8(CLOUD), cover.classes)
    labels[(cloud > 0.2) & (cloud <= 0.55)] = IGNORE
    outside = _outside_swath(height, width)
    labels[outside] = IGNORE
    image = np.clip(np.rint(seen * 10_000), 1, 16_000).astype(np.int16)
    image[:, outside] = NODATA
    return Landscape(image, labels)


def _draw_clouds(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Field, Field]:
    """Fair-weather clouds and the shadows that they throw to the north-west."""
    shift = (-22, -10)
    margin = 32
    larger = (shape[0] + 2 * margin, shape[1] + 2 * margin)
    field = fractal(rng, larger, 110, 2.1) + 0.55 * fractal(rng, larger, 420, 3.0)
    level = np.quantile(field, 0.945)
    opacity = smooth(np.clip((field - level) / 0.35, 0, 1), 1.2)
    inner = (slice(margin, -margin), slice(margin, -margin))
    thrown = np.roll(smooth(opacity, 1.5), shift, axis=(0, 1))
    return opacity[inner], thrown[inner]


def _outside_swath(height: int, width: int) -> NDArray[np.bool_]:
    """The edge of the swath cuts off a corner."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.asarray(columns + 0.2 * rows > 1.13 * width)
