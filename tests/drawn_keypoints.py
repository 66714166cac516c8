"""Small images with keypoints drawn for tests."""

import csv
import math

import numpy as np
import torch
from drawn_chips import write_raster

NAMES = ("left", "right", "tail")


def write_csv(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def wide_header(names=NAMES):
    return [f"{name}_{axis}" for name in names for axis in "xy"]


def write_poses(folder, count=6, size=(20, 30), splits=("train", "train", "val", "test"), ending=".png", seed=0):
    """Images `images/frame_N` and `keypoints.csv` with one pose each; returns the arguments that name them."""
    random = np.random.default_rng(seed)
    rows = []
    for index in range(count):
        name = f"frame_{index}{ending}"
        write_raster(folder / "images" / name, random.integers(0, 255, size).astype("uint8"))
        points = random.uniform(0, [size[1] - 1, size[0] - 1], (len(NAMES), 2)).round(2)
        rows.append([name, splits[index % len(splits)], *points.flatten()])
    path = write_csv(folder / "keypoints.csv", ["image", "split", *wide_header()], rows)
    return {"keypoints": str(path), "data_root": str(folder / "images")}


def dots(points, height, width, sigma=1.5):
    """A channel per point with a bright spot on it, `(K, H, W)`."""
    y, x = torch.meshgrid(torch.arange(height).float(), torch.arange(width).float(), indexing="ij")
    return torch.stack([torch.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma**2)) for px, py in points.tolist()])


def centre_of(spot):
    """Where the spot of a channel is, as (x, y)."""
    y, x = torch.meshgrid(*(torch.arange(size).float() for size in spot.shape), indexing="ij")
    return torch.stack([(x * spot).sum(), (y * spot).sum()]) / spot.sum()


def is_near(a, b, tolerance):
    return math.dist(a.tolist(), b.tolist()) <= tolerance
