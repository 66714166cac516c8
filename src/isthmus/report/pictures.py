"""Pictures of samples: the image, its label and what was predicted."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.atomic import atomic_path
from isthmus.report.palette import NOTHING, Colour

_DARKEST, _BRIGHTEST = 2, 98  # percentiles of a band that are drawn black and white
_EVEN = 0.5  # of the range that is usual among the samples, the least that is stretched
_SIDE = 1.9  # inches of one panel
_GAP = 0.06  # between two samples in a row, as a share of a panel


@dataclass(frozen=True, slots=True)
class PictureSample:
    """A sample as it is drawn.

    Attributes:
        image: `(bands, height, width)`.
        label: `(height, width)`, the classes; None where there is no label.
        prediction: `(height, width)`, the classes.
        name: what stands above it.
    """

    image: npt.NDArray[np.floating]
    label: npt.NDArray[np.integer] | None
    prediction: npt.NDArray[np.integer]
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


def paint(classes: npt.NDArray[np.integer], colours: Sequence[Colour]) -> npt.NDArray[np.uint8]:
    """A map of classes as a picture `(height, width, 3)`; values that are no class have the colour of nothing."""
    table = np.array([*colours, NOTHING], np.uint8)
    valid = (classes >= 0) & (classes < len(colours))
    return np.asarray(table[np.where(valid, classes, len(colours))])


def draw_samples(
    path: str | Path,
    samples: Sequence[PictureSample],
    names: Sequence[str],
    colours: Sequence[Colour],
    *,
    title: str,
    rgb_indices: Sequence[int] = (0, 1, 2),
) -> None:
    """Draw samples side by side: image, label, prediction, with a legend, as PNG.

    Args:
        path: where to; an existing file is replaced.
        samples: what to draw.
        names: the names of the classes.
        colours: (red, green, blue) of each class.
        title: what stands above the picture.
        rgb_indices: the bands that are drawn red, green and blue.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = 2 if any(sample.label is None for sample in samples) else 3
    blocks = 1 if len(samples) < 3 else 2
    rows = -(-len(samples) // blocks)
    figure = Figure(figsize=(blocks * panels * _SIDE + 0.4, rows * (_SIDE + 0.2) + 0.8), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    widths = [1.0] * panels + ([_GAP] + [1.0] * panels if blocks == 2 else [])
    grid = figure.subplots(rows, len(widths), squeeze=False, width_ratios=widths)
    for axis in grid.flat:
        axis.set_axis_off()
    least = [_EVEN * span for span in usual_ranges([sample.image for sample in samples], rgb_indices)]
    for number, sample in enumerate(samples):
        row, block = divmod(number, blocks)
        first = block * (panels + 1)
        image = stretch(sample.image, rgb_indices, least)
        _draw_row(grid[row, first : first + panels], image, sample, colours, heading=row == 0)
    _draw_legend(figure, samples, names, colours)
    with atomic_path(path) as temporary:
        figure.savefig(temporary)


def _draw_row(
    axes: Any, image: npt.NDArray[Any], sample: PictureSample, colours: Sequence[Colour], *, heading: bool
) -> None:
    pictures: list[tuple[str, npt.NDArray[Any]]] = [("image", image)]
    if sample.label is not None and len(axes) == 3:
        pictures.append(("label", paint(sample.label, colours)))
    pictures.append(("prediction", paint(sample.prediction, colours)))
    for axis, (kind, picture) in zip(axes, pictures, strict=True):
        axis.set_axis_on()
        axis.imshow(picture, interpolation="nearest")
        axis.set_xticks([])
        axis.set_yticks([])
        for spine in axis.spines.values():
            spine.set_color("#888888")
            spine.set_linewidth(0.5)
        if heading:
            axis.set_title(kind, fontsize=9)
    axes[0].set_xlabel(_shorten(sample.name), fontsize=7, color="#444444")
    if sample.label is not None:
        axes[-1].set_xlabel(_agreement(sample, len(colours)), fontsize=7, color="#444444")


def _agreement(sample: PictureSample, num_classes: int) -> str:
    label = np.asarray(sample.label)
    counts = (label >= 0) & (label < num_classes)
    if not counts.any():
        return "no labelled pixel"
    return f"{100 * (label == sample.prediction)[counts].mean():.1f} % right"


def _draw_legend(
    figure: Any, samples: Sequence[PictureSample], names: Sequence[str], colours: Sequence[Colour]
) -> None:
    from matplotlib.patches import Patch

    entries = list(zip(names, colours, strict=True))
    maps = [found for sample in samples for found in (sample.label, sample.prediction) if found is not None]
    if any(((classes < 0) | (classes >= len(names))).any() for classes in maps):
        entries.append(("not labelled", NOTHING))
    handles = [
        Patch(facecolor=[part / 255 for part in colour], edgecolor="#888888", linewidth=0.5, label=name)
        for name, colour in entries
    ]
    columns = min(len(handles), 6)
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize=8, frameon=False)


def _shorten(name: str, longest: int = 32) -> str:
    return name if len(name) <= longest else "..." + name[3 - longest :]
