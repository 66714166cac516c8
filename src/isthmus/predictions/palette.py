"""Default colours of classes, told apart also by colour-blind readers."""

import colorsys
import itertools
from collections.abc import Iterator, Mapping, Sequence

Colour = tuple[int, int, int]

# Paul Tol's "bright" scheme without its grey, then his "light" scheme (https://personal.sron.nl/~pault/).
_SCHEME: tuple[Colour, ...] = (
    (68, 119, 170),
    (238, 102, 119),
    (34, 136, 51),
    (204, 187, 68),
    (102, 204, 238),
    (170, 51, 119),
    (238, 136, 102),
    (187, 204, 51),
    (153, 221, 255),
    (119, 170, 221),
    (255, 170, 187),
    (170, 170, 0),
)

# What readers of maps expect a class to look like.
_BY_NAME: Mapping[str, Colour] = {
    "background": (221, 221, 221),
    "other": (221, 221, 221),
    "land": (217, 205, 180),
    "no water": (217, 205, 180),
    "not water": (217, 205, 180),
    "water": (51, 119, 187),
    "flood": (51, 119, 187),
    "tree": (34, 102, 51),
    "trees": (34, 102, 51),
    "forest": (34, 102, 51),
    "shrub": (170, 170, 68),
    "grass": (153, 204, 102),
    "grassland": (153, 204, 102),
    "crop": (238, 204, 102),
    "cropland": (238, 204, 102),
    "crops": (238, 204, 102),
    "built": (187, 51, 51),
    "urban": (187, 51, 51),
    "building": (187, 51, 51),
    "bare": (187, 153, 119),
    "soil": (187, 153, 119),
    "bare soil": (187, 153, 119),
    "wetland": (68, 153, 153),
    "snow": (238, 245, 255),
    "cloud": (200, 200, 210),
    "clouds": (200, 200, 210),
    "burned": (136, 34, 34),
    "burnt": (136, 34, 34),
}

# What shows on photographs, which are rarely this bright, and on black.
_ON_IMAGES: tuple[Colour, ...] = (
    (255, 221, 0),
    (255, 64, 160),
    (0, 229, 255),
    (118, 255, 3),
    (255, 145, 0),
    (190, 120, 255),
)

NOTHING: Colour = (0, 0, 0)
"""What stands for pixels without a value."""


def default_colors(class_names: Sequence[str]) -> list[Colour]:
    """One colour a class, all different: the customary one where the name has one, the next of the scheme otherwise.

    >>> default_colors(["no_water", "water"])
    [(217, 205, 180), (51, 119, 187)]
    """
    colours: list[Colour | None] = []
    for name in class_names:
        customary = _BY_NAME.get(name.lower().replace("_", " ").replace("-", " ").strip())
        colours.append(None if customary in colours else customary)
    free = (colour for colour in _endless() if colour not in colours)
    return [next(free) if colour is None else colour for colour in colours]


def point_colors(count: int) -> list[Colour]:
    """One colour a point, all different and bright enough to be drawn on an image.

    >>> point_colors(2)
    [(255, 221, 0), (255, 64, 160)]
    """
    return list(itertools.islice(itertools.chain(_ON_IMAGES, _endless()), count))


def _endless() -> Iterator[Colour]:
    """The scheme, then hues that are as far apart as can be, at three brightnesses."""
    yield from _SCHEME
    golden = 0.618033988749895
    for step in itertools.count():
        red, green, blue = colorsys.hsv_to_rgb(step * golden % 1, 0.65, (0.95, 0.75, 0.55)[step % 3])
        yield round(red * 255), round(green * 255), round(blue * 255)
