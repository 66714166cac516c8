"""What all pictures of samples share: how an image is shown, the grid of panels, and what stands below them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.atomic import atomic_path

_DARKEST, _BRIGHTEST = 2, 98  # percentiles of a band that are drawn black and white
_EVEN = 0.5  # of the range that is usual among the samples, the least that is stretched


@dataclass(frozen=True, slots=True)
class PictureSample:
    """A sample as it is drawn.

    Attributes:
        image: `(bands, height, width)`.
        label: the truth, in the form of the prediction; None where it is not known.
        prediction: classes `(height, width)`, or flags or values `(names, height, width)`.
        name: what stands below it.
    """

    image: npt.NDArray[np.floating]
    label: npt.NDArray[Any] | None
    prediction: npt.NDArray[Any]
    name: str


def stretch(
    image: npt.NDArray[np.floating], rgb_indices: Sequence[int] = (0, 1, 2), least: Sequence[float] = (0.0, 0.0, 0.0)
) -> npt.NDArray[np.float64]:
    """Three bands as a picture `(height, width, 3)` from 0 to 1, each stretched from its 2nd to its 98th percentile.

    Bands that the image does not have are replaced by its last one; pixels that are not finite are black.

    Args:
        image: `(bands, height, width)`.
        rgb_indices: the bands that are drawn red, green and blue.
        least: the smallest range of each of the three that is stretched, so that an even surface looks even.
    """
    bands = _rgb(image, rgb_indices)
    picture = np.zeros_like(bands)
    for band, smallest, out in zip(bands, least, picture, strict=True):
        valid = np.isfinite(band)
        if valid.any():
            low, high = np.percentile(band[valid], [_DARKEST, _BRIGHTEST])
            span = max(high - low, smallest)
            out[valid] = ((band[valid] - low) / span).clip(0, 1) if span > 0 else 0.5
    return np.moveaxis(picture, 0, -1)


def usual_ranges(images: Sequence[npt.NDArray[np.floating]], rgb_indices: Sequence[int]) -> list[float]:
    """The median over images of what `stretch` would stretch, for each of the three bands."""
    ranges = [[0.0, 0.0, 0.0]]
    for image in images:
        bands = [band[np.isfinite(band)] for band in _rgb(image, rgb_indices)]
        if all(band.size for band in bands):
            ranges.append([float(np.subtract(*np.percentile(band, [_BRIGHTEST, _DARKEST]))) for band in bands])
    found: list[float] = np.median(ranges[1:] or ranges, axis=0).tolist()
    return found


def _rgb(image: npt.NDArray[np.floating], rgb_indices: Sequence[int]) -> npt.NDArray[np.float64]:
    return image[[min(index, len(image) - 1) for index in rgb_indices]].astype(np.float64)


def show_images(images: Sequence[npt.NDArray[np.floating]], rgb_indices: Sequence[int]) -> list[npt.NDArray[Any]]:
    """The images of several samples as they are drawn beside each other: what is even in all of them looks even."""
    least = [_EVEN * span for span in usual_ranges(images, rgb_indices)]
    return [stretch(image, rgb_indices, least) for image in images]


@contextmanager
def figure_at(path: str | Path, title: str, size: tuple[float, float]) -> Iterator[Any]:
    """A figure of a size in inches that is written as PNG when the block ends well."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    yield figure
    with atomic_path(path) as temporary:
        figure.savefig(temporary)


def empty_panels(figure: Any, rows: int, columns: int, **layout: Any) -> npt.NDArray[Any]:
    """A grid of panels, each of which is invisible until something is shown in it."""
    grid: npt.NDArray[Any] = figure.subplots(rows, columns, squeeze=False, **layout)
    for axis in grid.flat:
        axis.set_axis_off()
    return grid


def open_panel(axis: Any, heading: str = "", below: str = "", colour: str = "#444444") -> None:
    """Make a panel visible, without ticks, under a heading and over a line of text."""
    axis.set_axis_on()
    axis.set_xticks([])
    axis.set_yticks([])
    if heading:
        axis.set_title(heading, fontsize=9)
    if below:
        axis.set_xlabel(shorten(below), fontsize=7, color=colour)


def thin_frame(axis: Any, colour: str = "#888888", width: float = 0.5) -> None:
    """Draw a thin line around a panel."""
    for spine in axis.spines.values():
        spine.set_color(colour)
        spine.set_linewidth(width)


def legend_below(figure: Any, handles: Sequence[Any]) -> None:
    """Put a legend below all panels."""
    columns = min(len(handles), 6)
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize=8, frameon=False)


def shorten(name: str, longest: int = 32) -> str:
    """The end of a name that is too long for the place it has."""
    return name if len(name) <= longest else "..." + name[3 - longest :]
