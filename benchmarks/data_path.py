"""Samples per second from GeoTIFF chips to batches: Isthmus beside TerraTorch, in one run.

    python benchmarks/data_path.py --peer-python /path/to/python/with/terratorch

Both read the same generated chips (12 int16 bands, 7 of them wanted, 256 x 256 pixels, and a label each) through their
generic segmentation datamodule, with 0 and with 2 workers. Each has a process of its own; the two take turns, and the
medians are compared. The second epoch is timed, so that neither pays for imports and first opens;
Isthmus keeps its workers from one epoch to the next.

With `--real FOLDER` the chips of a real dataset are measured too: its `images/*.tif`, of as many bands, and `masks`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BANDS, WANTED = 12, [1, 2, 3, 4, 5, 6, 7]
NOISE = 6  # deflate then leaves about two thirds of a chip, as of real surface reflectance


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", help="the Python of an environment with TerraTorch; without it Isthmus alone")
    parser.add_argument("--chips", type=int, default=200)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2])
    parser.add_argument("--layouts", nargs="+", default=["deflate", "uncompressed", "deflate-pixel"])
    parser.add_argument("--real", type=Path, metavar="FOLDER", help="a dataset to measure besides, as hls_flood")
    parser.add_argument("--measure", nargs=2, metavar=("WHO", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        who, folder = arguments.measure
        cases = [(layout, workers) for layout in arguments.layouts for workers in arguments.workers]
        print(json.dumps([measure(who, Path(folder) / layout, workers) for layout, workers in cases]))
        return
    with tempfile.TemporaryDirectory() as folder:
        for layout in arguments.layouts:
            draw_chips(Path(folder) / layout, layout, arguments.chips, arguments.size)
        if arguments.real:
            arguments.layouts.append(arguments.real.name)
            link_chips(Path(folder) / arguments.real.name, arguments.real.resolve())
        compare(arguments, folder)


def compare(arguments: argparse.Namespace, folder: str) -> None:
    pythons = {"isthmus": sys.executable}
    if arguments.peer_python:
        pythons["terratorch"] = arguments.peer_python
    rates: dict[str, list[list[float]]] = {who: [] for who in pythons}
    for repeat in range(arguments.repeats):
        for who, python in pythons.items():
            rates[who].append(run(python, who, folder, arguments))
            print(
                f"repeat {repeat + 1}, {who}: {[round(rate, 1) for rate in rates[who][-1]]}",
                file=sys.stderr,
                flush=True,
            )
    print(f"{'chips':<16}{'workers':>8}{'isthmus/s':>12}{'terratorch/s':>14}{'ratio':>8}")
    cases = [(layout, workers) for layout in arguments.layouts for workers in arguments.workers]
    for index, (layout, workers) in enumerate(cases):
        ours, *theirs = (statistics.median(run[index] for run in rates[who]) for who in pythons)
        peer = "".join(f"{rate:>14.1f}{ours / rate:>8.2f}" for rate in theirs)
        print(f"{layout:<16}{workers:>8}{ours:>12.1f}{peer}")


def run(python: str, who: str, folder: str, arguments: argparse.Namespace) -> list[float]:
    command = [python, "-W", "ignore", __file__, "--measure", who, folder]
    command += ["--layouts", *arguments.layouts, "--workers", *map(str, arguments.workers)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        sys.exit(f"{who} failed:\n{done.stderr[-3000:]}")
    return [float(rate) for rate in json.loads(done.stdout.strip().splitlines()[-1])]


def draw_chips(folder: Path, layout: str, count: int, size: int) -> None:
    import numpy as np
    import rasterio
    from rasterio.transform import from_origin

    random = np.random.default_rng(0)
    profile = {
        "driver": "GTiff",
        "width": size,
        "height": size,
        "crs": "EPSG:32633",
        "transform": from_origin(500000, 5000000, 10, 10),
        "interleave": "pixel" if layout.endswith("pixel") else "band",
    }
    if layout.startswith("deflate"):
        profile["compress"] = "deflate"
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    coarse = -(-size // 16)
    for index in range(count):
        patches = random.normal(2000, 600, (BANDS, coarse, coarse)).repeat(16, axis=1).repeat(16, axis=2)
        image = patches[:, :size, :size] + random.normal(0, NOISE, (BANDS, size, size))
        with rasterio.open(folder / f"images/{index:04d}.tif", "w", count=BANDS, dtype="int16", **profile) as file:
            file.write(image.astype("int16"))
        with rasterio.open(folder / f"labels/{index:04d}.tif", "w", count=1, dtype="uint8", **profile) as file:
            file.write((patches[:1, :size, :size] > 2000).astype("uint8"))


def link_chips(folder: Path, dataset: Path) -> None:
    folder.mkdir()
    (folder / "images").symlink_to(dataset / "images")
    (folder / "labels").symlink_to(dataset / "masks")


def measure(who: str, folder: Path, workers: int) -> float:
    """Samples per second of the second epoch, read to the last batch and normalised."""
    if who == "isthmus":
        from isthmus.datamodules import GenericNonGeoSegmentationDataModule
    else:
        from terratorch.datamodules import GenericNonGeoSegmentationDataModule
    roots = {f"{stage}_data_root": str(folder / "images") for stage in ("train", "val", "test")}
    roots |= {f"{stage}_label_data_root": str(folder / "labels") for stage in ("train", "val", "test")}
    data = GenericNonGeoSegmentationDataModule(
        batch_size=8,
        num_workers=workers,
        num_classes=2,
        **roots,
        img_grep="*.tif",
        label_grep="*",
        dataset_bands=list(range(BANDS)),
        output_bands=WANTED,
        rgb_indices=[2, 1, 0],
        means=[2000.0] * len(WANTED),
        stds=[600.0] * len(WANTED),
        no_data_replace=0,
        no_label_replace=-1,
        check_stackability=False,
    )
    data.setup("fit")
    loader = data.train_dataloader()
    for _ in range(2):
        samples, started = 0, time.perf_counter()
        for batch in loader:
            samples += len(data.aug(batch)["image"])
        seconds = time.perf_counter() - started
    return samples / seconds


if __name__ == "__main__":
    main()
