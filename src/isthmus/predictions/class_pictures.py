"""Pictures of maps of classes: the image, its label and what was predicted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.predictions.palette import NOTHING, Colour
from isthmus.predictions.pictures import (
    PictureSample,
    empty_panels,
    figure_at,
    legend_below,
    open_panel,
    show_images,
    thin_frame,
)

_SIDE = 1.9  # inches of one panel
_GAP = 0.06  # between two samples in a row, as a share of a panel


def paint(classes: npt.NDArray[Any], colours: Sequence[Colour]) -> npt.NDArray[np.uint8]:
    """A map of classes as a picture `(height, width, 3)`; values that are no class have the colour of nothing.

    Of flags, `(classes, height, width)`, the colours of all that are true are mixed.
    """
    if classes.ndim == 3:
        true = classes > 0
        mixed = np.tensordot(true, np.array(colours), axes=(0, 0)) / true.sum(0).clip(1)[..., None]
        return np.asarray(mixed.round(), np.uint8)
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
    panels = 2 if any(sample.label is None for sample in samples) else 3
    blocks = 1 if len(samples) < 3 else 2
    rows = -(-len(samples) // blocks)
    widths = [1.0] * panels + ([_GAP] + [1.0] * panels if blocks == 2 else [])
    images = show_images([sample.image for sample in samples], rgb_indices)
    with figure_at(path, title, (blocks * panels * _SIDE + 0.4, rows * (_SIDE + 0.2) + 0.8)) as figure:
        grid = empty_panels(figure, rows, len(widths), width_ratios=widths)
        for number, (image, sample) in enumerate(zip(images, samples, strict=True)):
            row, block = divmod(number, blocks)
            first = block * (panels + 1)
            _draw_row(grid[row, first : first + panels], image, sample, colours, heading=row == 0)
        _draw_legend(figure, samples, names, colours)


def _draw_row(
    axes: Any, image: npt.NDArray[Any], sample: PictureSample, colours: Sequence[Colour], *, heading: bool
) -> None:
    panels: list[tuple[str, npt.NDArray[Any], str]] = [("image", image, sample.name)]
    if sample.label is not None and len(axes) == 3:
        panels.append(("label", paint(sample.label, colours), ""))
    agreement = "" if sample.label is None else _agreement(sample, len(colours))
    panels.append(("prediction", paint(sample.prediction, colours), agreement))
    for axis, (kind, picture, below) in zip(axes, panels, strict=True):
        axis.imshow(picture, interpolation="nearest")
        open_panel(axis, kind if heading else "", below)
        thin_frame(axis)


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
    legend_below(figure, handles)
