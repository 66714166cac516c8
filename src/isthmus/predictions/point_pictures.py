"""Pictures of keypoints: the image with true and predicted points, and the maps that they come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.predictions.palette import Colour
from isthmus.predictions.pictures import empty_panels, figure_at, legend_below, open_panel, show_images

_HEIGHT = 2.6  # inches of one panel
_CROWD = 15  # points of a name from which on they are drawn small


@dataclass(frozen=True, slots=True)
class KeypointSample:
    """A sample as it is drawn.

    Attributes:
        image: `(bands, height, width)`.
        true: `(instances, points, 2)`, (x, y) in pixels, NaN where there is none; None where they are not known.
        found: the same for the predicted points.
        maps: `(points, height, width)`, the confidence from 0 to 1, at any stride.
        stride: pixels from cell to cell.
        name: what stands below it.
    """

    image: npt.NDArray[np.floating]
    true: npt.NDArray[np.floating] | None
    found: npt.NDArray[np.floating]
    maps: npt.NDArray[np.floating]
    stride: int
    name: str


def blend_maps(maps: npt.NDArray[np.floating], colours: Sequence[Colour]) -> npt.NDArray[np.float64]:
    """Maps as one picture `(height, width, 3)` from 0 to 1: each shines in its colour, on black."""
    light = np.tensordot(maps.clip(0, 1), np.array(colours) / 255, axes=(0, 0))
    return np.asarray(light.clip(0, 1), np.float64)


def draw_keypoints(
    path: str | Path,
    samples: Sequence[KeypointSample],
    names: Sequence[str],
    colours: Sequence[Colour],
    *,
    title: str,
    rgb_indices: Sequence[int] = (0, 1, 2),
) -> None:
    """Draw samples side by side, as PNG: the image with true points as circles and predicted ones as crosses, the maps.

    Args:
        path: where to; an existing file is replaced.
        samples: what to draw.
        names: the names of the points.
        colours: (red, green, blue) of each point.
        title: what stands above the picture.
        rgb_indices: the bands that are drawn red, green and blue.
    """
    blocks = 1 if len(samples) < 3 else 2
    rows = max(1, -(-len(samples) // blocks))
    width = _HEIGHT * max([sample.image.shape[-1] / sample.image.shape[-2] for sample in samples] or [1])
    images = show_images([sample.image for sample in samples], rgb_indices)
    with figure_at(path, title, (2 * blocks * width + 0.4, rows * (_HEIGHT + 0.2) + 0.8)) as figure:
        grid = empty_panels(figure, rows, 2 * blocks)
        for number, (image, sample) in enumerate(zip(images, samples, strict=True)):
            row, block = divmod(number, blocks)
            _draw_sample(grid[row, 2 * block : 2 * block + 2], image, sample, colours, heading=row == 0)
        _draw_legend(figure, names, colours)


def _draw_sample(
    axes: Any, image: npt.NDArray[Any], sample: KeypointSample, colours: Sequence[Colour], *, heading: bool
) -> None:
    height, width = image.shape[:2]
    half = sample.stride / 2
    rows, columns = sample.maps.shape[-2:]
    extent = (-half, columns * sample.stride - half, rows * sample.stride - half, -half)  # cells lie on whole pixels
    axes[0].imshow(image, interpolation="nearest")
    axes[1].imshow(blend_maps(sample.maps, colours), interpolation="nearest", extent=extent)
    for axis, kind, below in zip(axes, ("image", "confidence"), (sample.name, ""), strict=True):
        axis.set_xlim(-0.5, width - 0.5)
        axis.set_ylim(height - 0.5, -0.5)
        open_panel(axis, kind if heading else "", below)
    many = max(len(sample.found), 0 if sample.true is None else len(sample.true)) >= _CROWD
    for index, colour in enumerate(colours):
        shade = [part / 255 for part in colour]
        if sample.true is not None:
            axes[0].scatter(
                *sample.true[:, index].T, s=14 if many else 45, facecolors="none", edgecolors=[shade], linewidths=1
            )
        axes[0].scatter(*sample.found[:, index].T, s=9 if many else 30, marker="x", color=[shade], linewidths=1)


def _draw_legend(figure: Any, names: Sequence[str], colours: Sequence[Colour]) -> None:
    from matplotlib.lines import Line2D

    looks: dict[str, Any] = {"linestyle": "", "markersize": 6, "color": "#444444"}
    handles = [
        Line2D([], [], marker="s", **(looks | {"color": [part / 255 for part in colour]}), label=name)
        for name, colour in zip(names, colours, strict=True)
    ]
    handles.append(Line2D([], [], marker="o", fillstyle="none", **looks, label="true"))
    handles.append(Line2D([], [], marker="x", **looks, label="predicted"))
    legend_below(figure, handles)
