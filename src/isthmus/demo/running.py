"""The demonstration: draw a landscape, train on a part of it, test on another, map all of it, and keep the score."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

from isthmus.atomic import write_text
from isthmus.demo.chips import BLOCKS, write_chips, write_landscape
from isthmus.demo.config import configuration
from isthmus.demo.landscape import Landscape, draw_landscape
from isthmus.demo.scores import Scores, score
from isthmus.errors import IsthmusError

FOLDER = Path("demo")
"""Where the demonstration goes unless told otherwise."""


@dataclass(frozen=True)
class DemoReport:
    """What the demonstration made.

    Attributes:
        config: the configuration that it trained with.
        map: the map of the whole landscape, a GeoTIFF.
        picture: image, truth and map side by side, a PNG.
        scores_file: the scores, JSON.
        model: the scores of the map on the part of the landscape that was kept for testing.
        baseline: the scores of the nearest-mean classifier on the same pixels.
    """

    config: Path
    map: Path
    picture: Path
    scores_file: Path
    model: Scores
    baseline: Scores

    def __str__(self) -> str:
        gain = self.model.mean_iou - self.baseline.mean_iou
        relation = "more" if gain > 0 else "less"
        return f"""
{self._table()}

The map has {abs(gain):.3f} mIoU {relation} than a nearest-mean classifier of single pixels,
on the same {self.model.pixels:,} pixels that neither was trained on.

map      {self.map}
picture  {self.picture}
scores   {self.scores_file}
config   {self.config}"""

    def _table(self) -> str:
        from isthmus.report.text_table import text_table

        columns = ["class", "nearest mean", "map"]
        rows: list[list[object]] = [
            [name, f"{self.baseline.iou[name]:.3f}", f"{self.model.iou[name]:.3f}"] for name in self.model.iou
        ]
        rows.append(["mIoU", f"{self.baseline.mean_iou:.3f}", f"{self.model.mean_iou:.3f}"])
        rows.append(["pixel accuracy", f"{self.baseline.accuracy:.3f}", f"{self.model.accuracy:.3f}"])
        return text_table(columns, rows, numbers=columns[1:])


def run(out: Path | str | None = None, *, epochs: int = 20, seed: int = 11) -> DemoReport:
    """Run the demonstration; it takes some two minutes on two cores and needs no network.

    Args:
        out: the folder for everything it makes; `demo` in the working directory unless given.
        epochs: how long to train.
        seed: of the landscape and of the training.

    Raises:
        IsthmusError: a step failed; what it said has been printed.
    """
    folder = Path(out if out is not None else FOLDER).resolve()
    landscape = draw_landscape(seed=seed)
    image, _ = write_landscape(landscape, folder / "landscape")
    chips = write_chips(landscape, folder)
    config = folder / "config.yaml"
    write_text(config, configuration(folder, landscape, chips, epochs=epochs, seed=seed))
    _command("fit", "-c", config)
    _command("test", "-c", config)
    _command("predict", "-c", config, "--predict_output_dir", folder / "map")
    mapped = _only_map(folder / "map", image)
    return _report(folder, config, landscape, mapped)


def _command(*words: str | Path) -> None:
    from isthmus.cli import main

    if main([str(word) for word in words]) != 0:
        raise IsthmusError(f"the demonstration stopped at: isthmus {' '.join(map(str, words))}")


def _only_map(folder: Path, image: Path) -> Path:
    found: Sequence[Path] = sorted(folder.glob(f"{image.stem}*.tif"))
    if len(found) != 1:
        raise IsthmusError(f"expected one map of {image} in {folder}, found {len(found)}")
    return found[0]


def _report(folder: Path, config: Path, landscape: Landscape, mapped: Path) -> DemoReport:
    from isthmus.demo.picture import draw_picture

    with rasterio.open(mapped) as source:
        classes: NDArray[np.uint8] = source.read(1)
    test = BLOCKS[-1].columns
    truth = landscape.labels[:, test]
    model = score(classes[:, test], truth, landscape.class_names)
    baseline = score(_nearest_mean(landscape)[:, test], truth, landscape.class_names)
    report = DemoReport(config, mapped, folder / "map.png", folder / "scores.json", model, baseline)
    titles = (
        "drawn landscape, natural colours; trained left, tested right",
        "truth; black: not told",
        f"map, mIoU {model.mean_iou:.2f} on the test part (nearest mean {baseline.mean_iou:.2f})",
    )
    draw_picture(report.picture, landscape, classes, titles)
    scores = {
        "map": model.to_dict(),
        "nearest_mean": baseline.to_dict(),
        "gain_miou": model.mean_iou - baseline.mean_iou,
    }
    write_text(report.scores_file, json.dumps(scores, indent=2) + "\n")
    return report


def _nearest_mean(landscape: Landscape) -> NDArray[np.uint8]:
    """What a classifier of single pixels makes of the landscape, taught with the same part of it."""
    from isthmus.baselines import NearestMean

    train = BLOCKS[0].columns
    samples = [(landscape.image[:, :, train], landscape.labels[:, train])]
    return NearestMean.fit(samples, len(landscape.class_names)).predict(landscape.image)
