"""Pictures of maps of quantities: the image, and of each quantity the truth, what was predicted and the error."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.predictions.pictures import PictureSample, empty_panels, figure_at, open_panel, show_images, thin_frame

_SIDE = 1.9  # inches of one panel
_LOWEST, _HIGHEST = 1, 99  # percentiles between which values are told apart
_NOTHING = "#dddddd"  # where there is no value


def draw_values(
    path: str | Path,
    samples: Sequence[PictureSample],
    names: Sequence[str],
    units: Sequence[str],
    *,
    title: str,
    rgb_indices: Sequence[int] = (0, 1, 2),
) -> None:
    """Draw samples below each other, as PNG. All samples share the scales, which stand below.

    Args:
        path: where to; an existing file is replaced.
        samples: what to draw, one at least; truths and predictions are `(quantities, height, width)`, NaN where there
            is no value.
        names: the names of the quantities.
        units: the unit of each, empty where there is none.
        title: what stands above the picture.
        rgb_indices: the bands that are drawn red, green and blue.
    """
    if any(sample.label is None for sample in samples):
        samples = [replace(sample, label=None) for sample in samples]
    panels = 1 if samples[0].label is None else 3  # of each quantity
    rows, columns = len(samples), 1 + panels * len(names)
    images = show_images([sample.image for sample in samples], rgb_indices)
    with figure_at(path, title, (columns * _SIDE + 0.4, rows * (_SIDE + 0.2) + 1.0)) as figure:
        grid = empty_panels(figure, rows, columns)
        for row, (image, sample) in enumerate(zip(images, samples, strict=True)):
            grid[row, 0].imshow(image, interpolation="nearest")
            open_panel(grid[row, 0], "" if row else "image", sample.name)
            thin_frame(grid[row, 0])
        for index, (name, unit) in enumerate(zip(names, units, strict=True)):
            axes = grid[:, 1 + panels * index : 1 + panels * (index + 1)]
            _draw_quantity(figure, axes, [_layers(sample, index) for sample in samples], name, unit)


def show_value(value: float, unit: str) -> str:
    """A value with its unit.

    >>> show_value(12.3456, "m"), show_value(0.5, "")
    ('12.35 m', '0.5')
    """
    return f"{value:.4g} {unit}".rstrip()


def _layers(sample: PictureSample, index: int) -> list[npt.NDArray[np.floating]]:
    """The prediction; or the truth where it is known, the prediction, and the error."""
    predicted = sample.prediction[index]
    return [predicted] if sample.label is None else [sample.label[index], predicted, predicted - sample.label[index]]


def _draw_quantity(
    figure: Any, axes: npt.NDArray[Any], layers: list[list[npt.NDArray[np.floating]]], name: str, unit: str
) -> None:
    """Draw one quantity of all samples, with a scale for its values and one for its errors."""
    known = axes.shape[1] == 3
    low, high = _range([layer for each in layers for layer in each[:2]])
    values: dict[str, Any] = {"cmap": _colours("viridis"), "vmin": low, "vmax": high}
    looks, headings, below = [values], [f"{name}: prediction"], [""]
    if known:
        reach = max(map(abs, _range([each[2] for each in layers])))
        looks = [values, values, {"cmap": _colours("RdBu_r"), "vmin": -reach, "vmax": reach}]
        headings = [f"{name}: truth", "prediction", "error"]
    shown = []
    for row, each in enumerate(layers):
        if known:
            below = ["", "", _said_of(each[2], unit)]
        shown = [
            axis.imshow(layer, interpolation="nearest", **look)
            for axis, layer, look in zip(axes[row], each, looks, strict=True)
        ]
        for axis, heading, text in zip(axes[row], headings, below, strict=True):
            open_panel(axis, "" if row else heading, text)
            thin_frame(axis)
    _scale(figure, shown[0], axes[:, :2], f"{name} ({unit})" if unit else name)
    if known:
        _scale(figure, shown[2], axes[:, 2:], f"error ({unit})" if unit else "error")


def _scale(figure: Any, shown: Any, axes: npt.NDArray[Any], label: str) -> None:
    """Put the scale of some panels below them."""
    looks: dict[str, Any] = {"location": "bottom", "extend": "both", "pad": 0.02, "shrink": 0.9}
    bar = figure.colorbar(shown, ax=list(axes.flat), aspect=12 * axes.shape[1], **looks)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=7)
    bar.set_label(label, fontsize=8)


def _range(layers: Sequence[npt.NDArray[np.floating]]) -> tuple[float, float]:
    """Between which values nearly all lie; never the same twice."""
    found = np.concatenate([layer[np.isfinite(layer)] for layer in layers]).astype(np.float64)
    if not found.size:
        return 0.0, 1.0
    low, high = np.percentile(found, [_LOWEST, _HIGHEST]).tolist()
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _said_of(error: npt.NDArray[np.floating], unit: str) -> str:
    counted = error[np.isfinite(error)].astype(np.float64)
    return f"RMSE {show_value(float(np.sqrt((counted**2).mean())), unit)}" if counted.size else "no known value"


def _colours(name: str) -> Any:
    from matplotlib import colormaps

    return colormaps[name].with_extremes(bad=_NOTHING)
