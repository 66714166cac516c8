"""Points: the parts of a mouse, and the trees of cities, in one table each.

    python examples/points.py              train, test, and write docs/points.md with its pictures
    python examples/points.py --keep       the same, with runs that are there already

Run it from the root of the repository; the data lie beside it (see the configurations). The checkpoint of a run is
that with the smallest loss on val.
"""

import argparse
import sys
from pathlib import Path

from study import Run, copy_picture, train_and_test

from isthmus.atomic import write_text
from isthmus.report.text_table import text_table

POSES = {
    "U-Net": Path("examples/openfield_unet.yaml"),
    "2 stacked hourglasses": Path("examples/openfield_hourglass.yaml"),
}
TREES = {"U-Net, timm resnet10t": Path("examples/naip_trees.yaml")}
RUNS = Path("runs/points")
DOCS = Path("docs/points.md")
PICTURES = Path("docs/points")
POSE_SCORES = ["mean_error", "median_error", "PCK@2", "PCK@5", "PCK@10"]
TREE_SCORES = ["precision", "recall", "F1", "mean_error", "count_error"]


def main() -> None:
    """Train, test, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--keep", action="store_true", help="do not train again what has been trained")
    given = parser.parse_args()
    poses, trees = (train_all(configs, given.seeds, keep=given.keep) for configs in (POSES, TREES))
    tables = {"poses": make_table(poses, POSE_SCORES), "trees": make_table(trees, TREE_SCORES)}
    pictures = {
        "pose_pictures": show(poses),
        "tree_pictures": show(trees),
    }
    write_text(DOCS, TEXT.format(**tables, **pictures, seeds=", ".join(map(str, given.seeds))))
    sys.stdout.write(f"\n{tables['poses']}\n\n{tables['trees']}\n\n{DOCS}, pictures in {PICTURES}\n")


def train_all(configs: dict[str, Path], seeds: list[int], *, keep: bool) -> dict[str, list[Run]]:
    """Every configuration with every seed."""
    return {name: [train_and_test(path, seed, RUNS, keep=keep) for seed in seeds] for name, path in configs.items()}


def make_table(runs: dict[str, list[Run]], scores: list[str]) -> str:
    """A line for each run and split."""
    header = ["method", "seed", "split", *scores, "minutes"]
    rows = [
        [
            name,
            run.seed,
            split,
            *(f"{run.scores[split]['metrics'][score]:.3f}" for score in scores),
            None if run.minutes is None else f"{run.minutes:.1f}",
        ]
        for name, tried in runs.items()
        for run in tried
        for split in ("val", "test")
    ]
    return text_table(header, rows, numbers=["seed", *scores, "minutes"])


def show(runs: dict[str, list[Run]]) -> str:
    """The pictures of the first seed of each model."""
    return "\n".join(
        f"### {name}\n\n![test]({copy_picture(tried[0], PICTURES, DOCS)})\n" for name, tried in runs.items()
    )


TEXT = """\
# Points

Written by `python examples/points.py`; do not edit. Seeds: {seeds}. All models train from scratch; the checkpoint of a
run is that with the smallest loss on val.

## The parts of a mouse

Four points (snout, both ears, base of the tail) of a mouse in an open field, 320 x 240 pixels, labelled by hand: 80
frames train, 16 validate, 20 test. Errors are in pixels; PCK@d is the share of points that are found within d pixels.
How much an empty cell weighs in the default loss, and how long and how fast the hourglasses learn, was chosen with an
eye on trainings on these very frames, val and test, so that the test is not quite untouched.

```
{poses}
```

{pose_pictures}
## The trees of cities

Trees of Californian cities on aerial images of 0.6 m, four bands, 256 x 256 pixels, marked by a point each. The cities
to train on, to validate and to test on are different ones (108, 27 and 27 images; the same places in three years). A
predicted tree counts as a true one within 10 pixels, which is 6 m, each at most once; `mean_error` is their distance in
pixels, `count_error` how far off the number of trees of an image is on average.

```
{trees}
```

{tree_pictures}"""


if __name__ == "__main__":
    main()
