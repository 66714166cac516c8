"""Small images with a class each drawn for tests."""

import numpy as np
from drawn_chips import write_raster
from drawn_keypoints import write_csv

CLASSES = ("field", "lake", "wood")


def draw(path, index, seed=0, side=16):
    """An image whose band of this number is bright."""
    pixels = np.random.default_rng(seed).integers(0, 60, (3, side, side)).astype("uint8")
    pixels[index] += 150
    return write_raster(path, pixels)


def write_folders(folder, counts=(("train", 3), ("val", 2), ("test", 2)), classes=CLASSES, ending=".png"):
    """A folder for each class in one for each stage; returns the arguments that name these."""
    for stage, count in counts:
        for index, name in enumerate(classes):
            for number in range(count):
                place = "" if number else "deeper/"
                draw(folder / stage / name / f"{place}{number}{ending}", index % 3, 10 * index + number)
    return {f"{stage}_data_root": str(folder / stage) for stage, _ in counts}


def write_table(folder, labels=CLASSES, splits=("train", "train", "val", "test"), header=("file", "class", "split")):
    """Images `images/<class>_<n>` and `labels.csv`, a row for each class and split; returns the arguments."""
    rows = []
    for index, label in enumerate(labels):
        for number, split in enumerate(splits):
            name = f"{label}_{number}.png"
            draw(folder / "images" / name, index % 3, 10 * index + number)
            rows.append([name, label, split][: len(header)])
    return {"labels": str(write_csv(folder / "labels.csv", header, rows)), "data_root": str(folder / "images")}
