"""How long it takes until something happens: imports, lists, a plan, the first training step.

Each measurement is a process of its own, alternating with the import that it is compared to; medians are printed.

    python benchmarks/start_up.py [--repeats 5] [--skip-fit]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PLAN = """
model:
  class_path: isthmus.tasks.SemanticSegmentationTask
  init_args:
    model_factory: EncoderDecoderFactory
    model_args:
      backbone: prithvi_eo_v2_300
      decoder: UNetDecoder
      decoder_channels: [64, 32, 16, 8]
      num_classes: 2
      necks: auto
"""
FIT = """
trainer: {{max_epochs: 1, limit_train_batches: 1, limit_val_batches: 0, num_sanity_val_steps: 0, logger: false,
  enable_checkpointing: false, enable_progress_bar: false, default_root_dir: "{folder}/runs"}}
model:
  class_path: SemanticSegmentationTask
  init_args:
    model_factory: EncoderDecoderFactory
    model_args: {{backbone: prithvi_eo_tiny, decoder: FCNDecoder, decoder_channels: 16, num_classes: 2, necks: auto}}
    loss: ce
data:
  class_path: GenericNonGeoSegmentationDataModule
  init_args:
    batch_size: 4
    num_workers: 0
    num_classes: 2
    img_grep: "*_image.tif"
    label_grep: "*_label.tif"
    train_data_root: {folder}
    train_label_data_root: {folder}
    val_data_root: {folder}
    val_label_data_root: {folder}
    test_data_root: {folder}
    test_label_data_root: {folder}
    means: [0, 0, 0, 0, 0, 0]
    stds: [1, 1, 1, 1, 1, 1]
"""


def seconds(words: list[str]) -> tuple[float, float]:
    """Wall seconds and peak memory in MB of one process."""
    before = time.perf_counter()
    code = (
        "import resource, subprocess, sys; r = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3); sys.exit(r.returncode)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], check=True, stdout=subprocess.PIPE, text=True)
    return time.perf_counter() - before, float(done.stdout)


def bare() -> float:
    """What the measuring process itself costs."""
    return statistics.median(seconds([sys.executable, "-c", "pass"])[0] for _ in range(5))


def small_set(folder: Path) -> None:
    """Eight chips with labels."""
    import numpy as np
    import rasterio

    rng = np.random.default_rng(0)
    for number in range(8):
        profile = {"driver": "GTiff", "height": 64, "width": 64, "crs": "EPSG:32633"}
        profile["transform"] = rasterio.transform.from_origin(5e5, 5e6, 10, 10)
        with rasterio.open(folder / f"{number}_image.tif", "w", count=6, dtype="float32", **profile) as image:
            image.write(rng.standard_normal((6, 64, 64), dtype=np.float32))
        with rasterio.open(folder / f"{number}_label.tif", "w", count=1, dtype="uint8", **profile) as label:
            label.write(rng.integers(0, 2, (1, 64, 64), dtype=np.uint8))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--skip-fit", action="store_true")
    options = parser.parse_args()
    python, isthmus = sys.executable, [sys.executable, "-m", "isthmus"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plan.yaml").write_text(PLAN)
        (folder / "fit.yaml").write_text(FIT.format(folder=folder))
        small_set(folder)
        cases = {
            "import isthmus": [python, "-c", "import isthmus"],
            "isthmus --help": [*isthmus, "--help"],
            "isthmus list": [*isthmus, "list"],
            "import torch": [python, "-c", "import torch"],
            "isthmus plan (Prithvi 300M)": [*isthmus, "plan", "-c", str(folder / "plan.yaml")],
        }
        if not options.skip_fit:
            cases["import lightning.pytorch"] = [python, "-c", "import lightning.pytorch"]
            cases["isthmus fit, one step"] = [*isthmus, "fit", "-c", str(folder / "fit.yaml")]
        taken: dict[str, list[tuple[float, float]]] = {case: [] for case in cases}
        for _ in range(options.repeats):
            for case, words in cases.items():
                taken[case].append(seconds(words))
    own = bare()
    medians = {case: statistics.median(each[0] for each in found) - own for case, found in taken.items()}
    memory = {case: max(each[1] for each in found) for case, found in taken.items()}
    for case, median in medians.items():
        print(f"{case:32} {median:7.2f} s  {memory[case]:7.0f} MB")
    plan = medians["isthmus plan (Prithvi 300M)"] - medians["import torch"]
    print(f"plan beyond import torch: {plan:.2f} s")
    if not options.skip_fit:
        fit = medians["isthmus fit, one step"] - medians["import lightning.pytorch"]
        print(f"fit, to the end of one step, beyond import lightning.pytorch: {fit:.2f} s")
    print(json.dumps({"seconds": medians, "megabytes": memory}))


if __name__ == "__main__":
    main()
