"""Street scenes: U-Net and FC-DenseNet on CamVid, in one table beside the figures of the paper.

    python examples/camvid.py              train, test, and write docs/camvid.md with its pictures
    python examples/camvid.py --keep       the same, with runs that are there already

Run it from the root of the repository; the data lie beside it (see the configurations). The checkpoint of a run is
that with the smallest loss on val.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml
from study import Run, copy_picture, train_and_test

from isthmus.atomic import write_text
from isthmus.registry import FULL_MODEL_REGISTRY
from isthmus.report.text_table import text_table

CONFIGS = {
    "U-Net": Path("examples/camvid_unet.yaml"),
    "FC-DenseNet56": Path("examples/camvid_fc_densenet56.yaml"),
    "FC-DenseNet103": Path("examples/camvid_fc_densenet103.yaml"),
}
PUBLISHED = {"FC-DenseNet56": 58.9, "FC-DenseNet103": 66.9}  # table 3 of arXiv 1611.09326, in percent
RUNS = Path("runs/camvid")
DOCS = Path("docs/camvid.md")
PICTURES = Path("docs/camvid")


def main() -> None:
    """Train, test, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--keep", action="store_true", help="do not train again what has been trained")
    given = parser.parse_args()
    runs = {
        name: [train_and_test(path, seed, RUNS, keep=given.keep) for seed in given.seeds]
        for name, path in CONFIGS.items()
    }
    tables = {"networks": make_table(runs), "classes": make_class_table(runs)}
    pictures = "\n".join(
        f"### {name}\n\n![test]({copy_picture(tried[0], PICTURES, DOCS)})\n" for name, tried in runs.items()
    )
    write_text(DOCS, TEXT.format(**tables, pictures=pictures, seeds=", ".join(map(str, given.seeds))))
    sys.stdout.write(f"\n{tables['networks']}\n\n{tables['classes']}\n\n{DOCS}, pictures in {PICTURES}\n")


def make_table(runs: dict[str, list[Run]]) -> str:
    """A line for each run and split."""
    header = ["network", "parameters", "epochs", "seed", "split", "mIoU", "accuracy", "mIoU of the paper", "minutes"]
    rows = [
        [
            name,
            count_parameters(run),
            settings(run)["trainer"]["max_epochs"],
            run.seed,
            split,
            *(f"{100 * run.scores[split]['metrics'][score]:.1f}" for score in ("mIoU", "Pixel_Accuracy")),
            PUBLISHED.get(name) if split == "test" else None,
            None if run.minutes is None else f"{run.minutes:.0f}",
        ]
        for name, tried in runs.items()
        for run in tried
        for split in ("val", "test")
    ]
    return text_table(header, rows, numbers=[column for column in header if column not in ("network", "split")])


def make_class_table(runs: dict[str, list[Run]]) -> str:
    """The intersection over union of every class on test, of the first seed of each network."""
    first = {name: tried[0].scores["test"]["classes"] for name, tried in runs.items()}
    rows = [
        [name, *(f"{100 * scores[name]['IoU']:.1f}" for scores in first.values())]
        for name in next(iter(first.values()))
    ]
    return text_table(["class", *first], rows, numbers=list(first))


def count_parameters(run: Run) -> int:
    """How many numbers the network of a run learns."""
    arguments = {**settings(run)["model"]["init_args"]["model_args"]}
    name, outputs = arguments.pop("model"), arguments.pop("num_classes")
    model: Any = FULL_MODEL_REGISTRY.build(name, num_outputs=outputs, **arguments)
    return sum(parameter.numel() for parameter in model.parameters())


def settings(run: Run) -> dict[str, Any]:
    """The configuration of a run."""
    return dict(yaml.safe_load(run.config.read_text()))


TEXT = """\
# Street scenes

Written by `python examples/camvid.py`; do not edit. Seeds: {seeds}.

The eleven classes of CamVid, 367 images to train on, 101 to validate, 233 to test. The FC-DenseNets are those of the
paper to the parameter; its protocol is scaled down to an hour on two cores of a processor without a GPU: images at half
their size (180 x 240 instead of 360 x 480), crops of 112 x 112 instead of 224 x 224, a few epochs with a learning rate
that falls to zero over them instead of several hundred, and no fine-tuning on whole images. RMSprop, batches of 3,
horizontal flips, cross-entropy and weight decay are as in the paper; the U-Net, which has no batch normalisation,
learns with AdamW. So the figures beside are what these networks can do with more time, not what these trainings should
have reached: the larger network, with the fewest epochs, is behind the smaller one. The checkpoint of a run is that
with the smallest loss on val.
Scores are in percent, of images at half size; void is left out.

```
{networks}
```

Intersection over union of the classes on test:

```
{classes}
```

{pictures}
The figures of the paper are from table 3 of Jégou et al., "The One Hundred Layers Tiramisu" (arXiv 1611.09326).
"""


if __name__ == "__main__":
    main()
