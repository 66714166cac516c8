"""A sample as a picture: image, label and prediction side by side."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from torch import Tensor


def plot_segmentation(
    sample: dict[str, Any],
    rgb_indices: Sequence[int],
    class_names: Sequence[str],
    suptitle: str | None = None,
    *,
    show_axes: bool = False,
) -> Figure | None:
    """Draw a sample.

    Args:
        sample: `image` `(C, H, W)`, and `mask` and `prediction` `(H, W)` where there are any.
        rgb_indices: the channels that are red, green and blue; the first alone where the image has fewer than three.
        class_names: a name for each class.
        suptitle: a title for the whole.
        show_axes: whether to show pixel coordinates.

    Returns:
        The figure; None for an image with time steps.
    """
    panels = _open(sample, rgb_indices, suptitle)
    if panels is None:
        return None
    figure, axes, maps = panels
    colors = colormaps["tab20"].resampled(max(len(class_names), 1))(np.arange(len(class_names)))
    for axis, key in zip(axes[1:], maps, strict=True):
        classes = sample[key].detach().cpu().numpy()
        shown = np.ma.masked_outside(classes, 0, len(class_names) - 1)
        axis.imshow(shown, cmap=ListedColormap(colors), vmin=-0.5, vmax=len(class_names) - 0.5, interpolation="nearest")
        axis.set_title(key)
    for axis in axes:
        axis.axis("on" if show_axes else "off")
    if maps:
        handles = [Patch(color=color, label=name) for color, name in zip(colors, class_names, strict=True)]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 6))
    return figure


def plot_values(
    sample: dict[str, Any], rgb_indices: Sequence[int], suptitle: str | None = None, *, show_axes: bool = False
) -> Figure | None:
    """Draw a sample with quantities, of several the first; label and prediction share a scale.

    Args:
        sample: `image` `(C, H, W)`, and `mask` and `prediction` `(H, W)` or `(Q, H, W)` where there are any.
        rgb_indices: the channels that are red, green and blue; the first alone where the image has fewer than three.
        suptitle: a title for the whole.
        show_axes: whether to show pixel coordinates.

    Returns:
        The figure; None for an image with time steps.
    """
    panels = _open(sample, rgb_indices, suptitle)
    if panels is None:
        return None
    figure, axes, maps = panels
    values = [sample[key].detach().cpu().float().numpy() for key in maps]
    layers = [np.ma.masked_invalid(each if each.ndim == 2 else each[0]) for each in values]
    known = np.ma.concatenate([layer.ravel() for layer in layers]).compressed() if layers else np.zeros(0)
    low, high = (known.min(), known.max()) if known.size else (0, 1)
    for axis, key, layer in zip(axes[1:], maps, layers, strict=True):
        shown = axis.imshow(layer, vmin=low, vmax=high, interpolation="nearest")
        axis.set_title(key)
        if key == maps[-1]:
            figure.colorbar(shown, ax=list(axes[1:]), location="bottom", shrink=0.8)
    for axis in axes:
        axis.axis("on" if show_axes else "off")
    return figure


def _open(
    sample: dict[str, Any], rgb_indices: Sequence[int], suptitle: str | None
) -> tuple[Figure, npt.NDArray[Any], list[str]] | None:
    """A figure with the image, a panel for each map that the sample has, and which these are."""
    image: Tensor = sample["image"]
    if image.ndim != 3:
        return None
    maps: list[str] = [key for key in ("mask", "prediction") if key in sample]
    figure = Figure(figsize=(4 * (1 + len(maps)), 4.5), layout="constrained")
    axes = figure.subplots(1, 1 + len(maps), squeeze=False)[0]
    axes[0].imshow(stretch(image.detach().cpu().numpy(), rgb_indices))
    axes[0].set_title("image")
    if suptitle is not None:
        figure.suptitle(suptitle)
    return figure, axes, maps


def stretch(image: npt.NDArray[Any], rgb_indices: Sequence[int]) -> npt.NDArray[np.float64]:
    """The colours of an image `(C, H, W)` between its 2nd and 98th percentile, `(H, W, 3)` from 0 to 1."""
    channels = list(rgb_indices) if len(image) > max(rgb_indices) else [0, 0, 0]
    colors = image[channels].astype(np.float64)
    low, high = (np.nanpercentile(colors, q, axis=(1, 2), keepdims=True) for q in (2, 98))
    stretched = np.clip((colors - low) / np.maximum(high - low, 1e-12), 0, 1)
    return np.asarray(np.nan_to_num(stretched).transpose(1, 2, 0))
