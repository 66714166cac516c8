"""The landscape, the truth and the map side by side."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isthmus.atomic import atomic_path
from isthmus.demo.chips import BLOCKS
from isthmus.demo.landscape import NODATA, Landscape


def natural_colours(image: NDArray[np.int16], bands: tuple[str, ...]) -> NDArray[np.float32]:
    """Red, green and blue from 0 to 1, `(height, width, 3)`, as the eye would see the landscape."""
    rgb = image[[bands.index(name) for name in ("RED", "GREEN", "BLUE")]].astype(np.float32).transpose(1, 2, 0)
    return np.asarray(np.where(rgb == NODATA, 0, np.clip(rgb / 2200, 0, 1) ** 0.75), dtype=np.float32)


def draw_picture(path: Path, landscape: Landscape, mapped: NDArray[np.uint8], titles: tuple[str, str, str]) -> None:
    """Draw image, truth and map as a PNG with a legend; dashed lines divide the blocks."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    from isthmus.predictions.class_pictures import paint

    colours = landscape.class_colors
    panels = (
        natural_colours(landscape.image, landscape.bands),
        paint(landscape.labels, colours),
        paint(mapped, colours),
    )
    figure = Figure(figsize=(21, 6), layout="constrained")
    for axes, panel, title in zip(figure.subplots(1, 3), panels, titles, strict=True):
        axes.imshow(panel, interpolation="nearest")
        axes.set_title(title)
        axes.set_axis_off()
        for block in BLOCKS[1:]:
            axes.axvline(block.first, color="white", linewidth=1.5, linestyle="--")
    keys = [
        Patch(facecolor=[part / 255 for part in colour], edgecolor="grey", label=name)
        for name, colour in zip(landscape.class_names, colours, strict=True)
    ]
    figure.legend(handles=keys, loc="outside lower center", ncols=len(keys), frameon=False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)
