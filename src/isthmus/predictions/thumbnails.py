"""Pictures of whole images and what was predicted of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isthmus.predictions.pictures import empty_panels, figure_at, open_panel, shorten, show_images, thin_frame

_SIDE = 2.4  # inches of one image
_COLUMNS = 3
_RIGHT, _WRONG, _UNKNOWN = "#228833", "#cc3311", "#888888"


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """An image as it is drawn.

    Attributes:
        image: `(bands, height, width)`.
        name: what the image is called.
        true: the truth in words; None where it is not known.
        predicted: what was predicted, in words.
        right: whether that is the truth; None where it is not known, or not a matter of right and wrong.
    """

    image: npt.NDArray[np.floating]
    name: str
    true: str | None
    predicted: str
    right: bool | None = None


def draw_thumbnails(
    path: str | Path, samples: Sequence[Thumbnail], *, title: str, rgb_indices: Sequence[int] = (0, 1, 2)
) -> None:
    """Draw images in a grid, as PNG: above each what was predicted and, before an arrow, the truth.

    Args:
        path: where to; an existing file is replaced.
        samples: what to draw.
        title: what stands above the picture.
        rgb_indices: the bands that are drawn red, green and blue.
    """
    columns = min(_COLUMNS, max(1, len(samples)))
    rows = max(1, -(-len(samples) // columns))
    images = show_images([sample.image for sample in samples], rgb_indices)
    with figure_at(path, title, (columns * (_SIDE + 0.4) + 0.4, rows * (_SIDE + 0.8) + 0.6)) as figure:
        grid = empty_panels(figure, rows, columns)
        for axis, image, sample in zip(grid.flat, images, samples, strict=False):
            axis.imshow(image, interpolation="nearest")
            open_panel(axis, below=sample.name)
            colour = _UNKNOWN if sample.right is None else _RIGHT if sample.right else _WRONG
            thin_frame(axis, colour, 0.5 if sample.right is None else 2)
            axis.set_title(_heading(sample), fontsize=8, color="#222222" if sample.right is None else colour)


def _heading(sample: Thumbnail) -> str:
    if sample.true is None:
        return shorten(sample.predicted)
    return "\n\N{RIGHTWARDS ARROW} ".join(map(shorten, (sample.true, sample.predicted)))
