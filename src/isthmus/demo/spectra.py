"""How land covers look in six bands, and how the air and the sensor change that."""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.demo import cover as land
from isthmus.demo.noise import Field, fractal, scatter, smooth
from isthmus.demo.terrain import Terrain

BANDS = ("BLUE", "GREEN", "RED", "NIR_NARROW", "SWIR_1", "SWIR_2")

# surface reflectance in percent, in the order of BANDS: typical values of the spectral libraries
_MATERIALS = {
    "clear water": (3.5, 3.2, 2.0, 1.2, 0.7, 0.5),
    "silty water": (6.5, 8.6, 8.2, 3.6, 1.4, 0.9),
    "beech": (2.6, 4.8, 3.0, 33.0, 16.0, 7.0),
    "spruce": (2.0, 3.4, 2.4, 20.0, 9.0, 4.2),
    "young crop": (5.0, 8.2, 7.6, 27.0, 22.0, 14.0),
    "full crop": (3.0, 6.3, 3.4, 41.0, 19.0, 8.5),
    "ripe crop": (8.0, 12.0, 15.5, 30.0, 31.0, 21.0),
    "ploughed soil": (7.5, 10.0, 12.5, 19.0, 26.0, 22.0),
    "meadow": (4.0, 7.5, 5.2, 33.0, 21.5, 10.5),
    "dry grass": (6.0, 9.2, 9.8, 26.0, 27.0, 17.0),
    "tiles": (8.5, 10.5, 16.5, 22.5, 27.0, 24.0),
    "bright roofs": (19.0, 20.0, 21.0, 24.0, 23.0, 20.0),
    "asphalt": (7.0, 7.8, 8.3, 11.0, 12.5, 11.5),
    "trees in towns": (4.5, 6.5, 5.8, 24.0, 16.5, 9.5),
    "sand": (13.0, 17.0, 21.5, 28.0, 36.0, 32.0),
    "rock": (9.5, 11.5, 13.5, 18.5, 24.0, 21.0),
    "cloud": (52.0, 52.0, 53.0, 57.0, 38.0, 27.0),
}

_SEASON = ("ploughed soil", "young crop", "full crop", "ripe crop")


def _material(name: str) -> NDArray:
    return np.array(_MATERIALS[name], dtype=np.float32).reshape(-1, 1) / 100


def _mix(first: str, second: str, share: NDArray) -> NDArray:
    return np.asarray(_material(first) * (1 - share) + _material(second) * share)


@dataclass(frozen=True)
class _Canvas:
    """The image while it is painted, and the fields from which all its variation comes."""

    image: Field
    patches: Field
    texture: Field
    grain: Field

    @classmethod
    def blank(cls, rng: np.random.Generator, shape: tuple[int, int]) -> "_Canvas":
        return cls(
            np.zeros((len(BANDS), *shape), np.float32),
            fractal(rng, shape, 60, 2.0),
            fractal(rng, shape, 5, 1.2),
            rng.standard_normal(shape, dtype=np.float32),
        )

    def soft(self) -> Field:
        """The patches as numbers between 0 and 1."""
        return np.asarray(1 / (1 + np.exp(-2.2 * self.patches)), dtype=np.float32)

    def paint(self, where: NDArray[np.bool_], colours: NDArray, strength: float) -> None:
        """Put the colours, `(band, pixels in where)`, made uneven by the share `strength`."""
        brightness = 1 + strength * (0.75 * self.texture[where] + 0.5 * self.grain[where])
        self.image[:, where] = colours * np.clip(brightness, 0.3, 2.0)


def surface_reflectance(rng: np.random.Generator, cover: land.Cover, terrain: Terrain) -> Field:
    """Paint every class with its materials, varied by parcel, by stand and by texture.

    Returns:
        Reflectance from 0 to 1, `(band, height, width)`.
    """
    canvas = _Canvas.blank(rng, cover.classes.shape)
    _paint_nature(canvas, cover, terrain)
    _paint_fields(canvas, cover)
    _paint_towns(canvas, cover)
    return canvas.image


def _paint_nature(canvas: _Canvas, cover: land.Cover, terrain: Terrain) -> None:
    soft = canvas.soft()
    water = cover.classes == land.WATER
    silt = smooth(np.where(terrain.river & ~terrain.lake, 0.75, 0.12) + 0.06 * canvas.patches, 2)
    canvas.paint(water, _mix("clear water", "silty water", np.clip(silt, 0, 1)[water]), 0.04)
    forest = cover.classes == land.FOREST
    canvas.paint(forest, _mix("beech", "spruce", np.clip(2.2 * soft - 0.6, 0, 1)[forest]), 0.17)
    grass = cover.classes == land.GRASS
    dry = 0.75 * scatter(cover.parcels.key, 7) + 0.35 * (soft - 0.5)
    canvas.paint(grass, _mix("meadow", "dry grass", np.clip(dry, 0, 1)[grass]), 0.09)
    bare = cover.classes == land.BARE
    stony = np.where(terrain.wetness > 0.1, 0.1, 0.45) + 0.25 * canvas.patches
    canvas.paint(bare, _mix("sand", "rock", np.clip(stony, 0, 1)[bare]), 0.16)


def _paint_fields(canvas: _Canvas, cover: land.Cover) -> None:
    """Each field is in one of four states, more or less far on, with the tracks that the machines leave."""
    state = np.floor(len(_SEASON) * scatter(cover.parcels.key, 8))
    progress = scatter(cover.parcels.key, 9) + 0.5 * (canvas.soft() - 0.5)
    tracks = np.where(np.mod(cover.parcels.across, 5.0) < 1.0, 0.22, 0)
    for number, (before, after) in enumerate(itertools.pairwise((*_SEASON, _SEASON[0]))):
        field = (cover.classes == land.CROPLAND) & (state == number)
        share = np.clip(progress + (tracks if number else 0), 0, 1)[field]
        canvas.paint(field, _mix(before, after, share), 0.045)


def _paint_towns(canvas: _Canvas, cover: land.Cover) -> None:
    built = cover.classes == land.BUILT
    leafy = np.clip(0.35 + 0.25 * canvas.texture + 0.12 * canvas.patches, 0, 0.9)[built]
    bright = (canvas.grain + 0.6 * canvas.texture)[built] > 1.3
    homes = _mix("tiles", "bright roofs", bright) * (1 - leafy) + _material("trees in towns") * leafy
    canvas.paint(built, np.where(cover.pavement[built], _material("asphalt"), homes), 0.16)


def observe(rng: np.random.Generator, surface: Field, shade: Field, cloud: Field, shadow: Field) -> Field:
    """Light the surface, put clouds and haze over it, blur it by the optics and add the sensor's noise.

    Args:
        rng: where the randomness comes from.
        surface: surface reflectance, `(band, height, width)`.
        shade: relative illumination by the sun, `(height, width)`.
        cloud: the opacity of the clouds, 0 to 1.
        shadow: the opacity of the clouds where their shadow falls, 0 to 1.

    Returns:
        Reflectance as observed, `(band, height, width)`.
    """
    shape = shade.shape
    share_of_skylight = (0.42, 0.32, 0.25, 0.16, 0.09, 0.07)
    haze = (0.022, 0.013, 0.008, 0.004, 0.001, 0.0)
    thickness = 1 + 0.5 * fractal(rng, shape, 400, 3.0)
    puffs = 1 + 0.12 * fractal(rng, shape, 30, 2.2)
    seen = np.empty_like(surface)
    for band in range(surface.shape[0]):
        sun = np.maximum(shade, 0.2) * (1 - 0.9 * shadow)
        light = (1 - share_of_skylight[band]) * sun + share_of_skylight[band]
        ground = surface[band] * light + haze[band] * thickness
        over = ground * (1 - cloud) + _MATERIALS["cloud"][band] / 100 * puffs * cloud
        seen[band] = smooth(over, 0.65)
        seen[band] *= 1 + 0.012 * rng.standard_normal(shape, dtype=np.float32)
        seen[band] += 0.0025 * rng.standard_normal(shape, dtype=np.float32)
    return seen
