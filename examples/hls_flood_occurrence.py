"""Water occurrence on Harmonized Landsat-Sentinel chips: least squares on single pixels, and a U-Net, side by side.

    python examples/hls_flood_occurrence.py              train, test, and write docs/hls_flood_occurrence.md
    python examples/hls_flood_occurrence.py --keep       the same, with runs that are there already

Run it from the root of the repository; the data lie beside it (see examples/hls_flood_occurrence.yaml). The model is
trained once for each seed. Its checkpoint and its seed are those with the lowest RMSE on val.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from study import Run, copy_picture, train_and_test

from isthmus.atomic import write_text
from isthmus.baselines import normalized_difference
from isthmus.datasets.quantities import RegressionSource
from isthmus.rasters.read import read_bands
from isthmus.report.text_table import text_table
from isthmus.tasks.regression.metrics import RegressionMetrics

CONFIG = Path("examples/hls_flood_occurrence.yaml")
RUNS = Path("runs/hls_flood_occurrence")
DOCS = Path("docs/hls_flood_occurrence.md")
PICTURES = Path("docs/hls_flood_occurrence")
SHOWN = ("RMSE", "MAE", "R2_Score")
GREEN, NIR = 2, 4  # where the files have them

Scores = dict[str, dict[str, float]]
"""By split and name."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--keep", action="store_true", help="do not train again what has been trained")
    given = parser.parse_args()
    baseline = score_least_squares()
    runs = [train_and_test(CONFIG, seed, RUNS, keep=given.keep) for seed in given.seeds]
    best = min(runs, key=on_val)
    table = make_table(baseline, runs, best)
    sys.stdout.write(f"\n{table}\n")
    picture = copy_picture(best, PICTURES, DOCS)
    listed = ", ".join(map(str, given.seeds))
    write_text(DOCS, TEXT.format(table=table, seeds=listed, seed=best.seed, picture=picture))
    sys.stdout.write(f"\n{DOCS}, picture in {PICTURES}\n")


def score_least_squares() -> Scores:
    """A linear function of the bands of a pixel and the NDWI, the one with the least squared error on train.

    It is scored by the metrics of the task.
    """
    source = RegressionSource.from_arguments(yaml.safe_load(CONFIG.read_text())["data"]["init_args"])
    labels = source.label_reader()

    def read(split: str) -> list[tuple[NDArray[np.float64], NDArray[np.float32]]]:
        return [(terms_of(sample.image), labels.read_file(sample.image)) for sample in source.samples(split)]

    train = read("train")
    products = sum(terms @ terms.T for terms, _ in train)
    weights = np.linalg.solve(products, sum(terms @ truth.ravel() for terms, truth in train))
    scores = {}
    for split in ("val", "test"):
        metrics = RegressionMetrics(["water occurrence"])
        for terms, truth in read(split):
            metrics.update(torch.from_numpy((weights @ terms).reshape(1, *truth.shape)), torch.from_numpy(truth[None]))
        scores[split] = {name: float(value) for name, value in metrics.compute().items()}
    return scores


def terms_of(path: Path) -> NDArray[np.float64]:
    """What a linear function weighs: seven bands as reflectance, the NDWI and one, `(terms, pixels)`."""
    bands = read_bands(path, range(7)).astype(np.float64).reshape(7, -1) / 10_000
    return np.stack([*bands, normalized_difference(bands[GREEN], bands[NIR]), np.ones(bands.shape[1])])


def on_val(run: Run) -> float:
    """What decides between the runs: the least is the best."""
    return float(run.scores["val"]["metrics"]["RMSE"])


def make_table(baseline: Scores, runs: list[Run], best: Run) -> str:
    header = [
        "method",
        "seed",
        *(f"{split} {name}" for split in ("val", "test") for name in SHOWN),
        "minutes",
        "chosen",
    ]
    rows: list[Sequence[object]] = [["least squares, bands and NDWI", None, *cells(baseline), None, None]]
    for run in runs:
        found = {split: run.scores[split]["metrics"] for split in ("val", "test")}
        minutes = None if run.minutes is None else f"{run.minutes:.1f}"
        rows.append(["U-Net, timm resnet10t", run.seed, *cells(found), minutes, "yes" * (run is best)])
    return text_table(header, rows, numbers=header[1:-1])


def cells(scores: Scores) -> list[str]:
    return [f"{scores[split][name]:.{3 if name == 'R2_Score' else 1}f}" for split in ("val", "test") for name in SHOWN]


TEXT = """\
# Water occurrence on Harmonized Landsat-Sentinel chips

Written by `python examples/hls_flood_occurrence.py`; do not edit. Seeds: {seeds}.

How often there was water in a pixel, in % of the observations of many years (Global Surface Water, Pekel et al. 2016),
from surface reflectance in seven bands on one day; the label is a band of the same file, which the model is not given.
195 chips of 128 x 128 pixels train, 49 validate and 27 test; chips that overlap or touch are on the same side of the
split. The U-Net trains from scratch; its checkpoint and its run are chosen by RMSE on val. Least squares weigh the
bands of a single pixel and its NDWI, (green - near infrared) / (green + near infrared), as is best on train. A few
labels (0.005 %) lie above 100 and are left as they are.

RMSE and MAE in % of the observations, all pixels of a split together:

```
{table}
```

What falls short: after ten epochs, at the end of which the learning rate is at half its height, maps are smoother than
the truth. Rivers are found but not as full as they are, narrow arms and ponds of a few pixels are blurred or missed.
The RMSE on val moves by several points from one epoch to the next. More epochs, and a rate that falls to 0, were not
run.

In the picture: shortwave infrared, near infrared and red, where water is dark blue to black; truth and prediction in
one scale, and their difference.

## U-Net, timm resnet10t, seed {seed}

![test chips]({picture})
"""


if __name__ == "__main__":
    main()
