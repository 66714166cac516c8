"""Time of a training step against TerraTorch's: same model, batch, precision and trainer, in one run.

    python benchmarks/training_step.py --peer PATH/TO/PYTHON/WITH/TERRATORCH

Each measurement is a process of its own; the two sides take turns, and who goes first alternates. A step is a whole
turn of Lightning's loop: forward, loss, backward, optimiser, metrics and logging. Both the time on the clock and the
time of the processor are taken; the latter hardly suffers from what else the machine is doing. The ratio is the
peer's median over ours: above 1, ours is faster.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

TOKENS_TO_PYRAMID = [
    {"name": "SelectIndices", "indices": [0, 1, 2, 3]},
    {"name": "ReshapeTokensToImage"},
    {"name": "LearnedInterpolateToPyramidal"},
]
MODELS = {
    "timm_resnet18 + UNetDecoder": {
        "backbone": "timm_resnet18",
        "backbone_pretrained": False,
        "backbone_in_chans": 6,
        "decoder": "UNetDecoder",
        "decoder_channels": [256, 128, 64, 32, 16],
        "num_classes": 3,
    },
    "prithvi_eo_tiny + necks + UNetDecoder": {
        "backbone": "prithvi_eo_tiny",
        "backbone_pretrained": False,
        "necks": TOKENS_TO_PYRAMID,
        "decoder": "UNetDecoder",
        "decoder_channels": [128, 64, 32, 16],
        "num_classes": 3,
    },
}


def measure(package: str, model: str, options: argparse.Namespace) -> dict:
    """Train for some steps and take the time of each; runs in a process of its own."""
    import importlib

    import lightning.pytorch as pl
    import torch
    from torch.utils.data import DataLoader

    task_class = importlib.import_module(f"{package}.tasks").SemanticSegmentationTask
    torch.set_float32_matmul_precision("highest")  # one of the two lowers it when it is imported
    torch.set_num_threads(options.threads)
    pl.seed_everything(0, verbose=False)
    task = task_class(
        model_factory="EncoderDecoderFactory",
        model_args=dict(MODELS[model]),
        loss="ce",
        ignore_index=-1,
        optimizer="AdamW",
        lr=1e-4,
    )
    size, batch = options.size, options.batch
    mask = torch.randint(0, 3, (batch, size, size))
    mask[:, :8] = -1
    names = [f"{index}.tif" for index in range(batch)]
    sample = {"image": torch.randn(batch, 6, size, size), "mask": mask, "filename": names}

    class Clock(pl.Callback):
        def __init__(self) -> None:
            self.marks: list[tuple[float, float]] = []

        def on_train_batch_start(self, *_: object) -> None:
            self.marks.append((time.perf_counter(), time.process_time()))

    clock = Clock()
    trainer = pl.Trainer(
        max_epochs=1,
        accelerator="cpu",
        precision=options.precision,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[clock],
    )
    trainer.fit(task, DataLoader([sample] * (options.warmup + options.steps + 1), batch_size=None))
    turns = list(zip(clock.marks, clock.marks[1:], strict=False))[options.warmup :]
    return {
        "wall": statistics.median(after[0] - before[0] for before, after in turns),
        "cpu": statistics.median(after[1] - before[1] for before, after in turns),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "parameters": sum(parameter.numel() for parameter in task.model.parameters()),
        "loss": float(trainer.callback_metrics["train/loss"]),
    }


def run_worker(python: str, package: str, model: str, arguments: list[str]) -> dict:
    command = [python, __file__, *arguments, "--worker", package, "--model", model]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "HF_HUB_OFFLINE": "1"}
    )
    if done.returncode:
        sys.exit(f"{package} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(options: argparse.Namespace, arguments: list[str]) -> None:
    sides = {"isthmus": sys.executable, "terratorch": options.peer}
    print(
        f"batch {options.batch} x 6 x {options.size} x {options.size}, {options.precision}, {options.threads} thread(s)"
    )
    for model in [options.model] if options.model else MODELS:
        results: dict[str, list[dict]] = {package: [] for package in sides}
        for turn in range(options.rounds):
            for package in list(sides)[:: 1 if turn % 2 == 0 else -1]:
                results[package].append(run_worker(sides[package], package, model, arguments))
                print(f"{package}: {json.dumps(results[package][-1])}", file=sys.stderr, flush=True)
        print(f"\n{model}")
        medians: dict[str, dict[str, float]] = {}
        for package, runs in results.items():
            medians[package] = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
            walls, cpus = ([1000 * run[key] for run in runs] for key in ("wall", "cpu"))
            print(
                f"  {package:<10} {1000 * medians[package]['wall']:8.1f} ms ({min(walls):.1f} to {max(walls):.1f}), "
                f"processor {1000 * medians[package]['cpu']:8.1f} ms ({min(cpus):.1f} to {max(cpus):.1f}), "
                f"peak {medians[package]['rss_mb']:.0f} MB, {medians[package]['parameters']:.0f} parameters, "
                f"last loss {medians[package]['loss']:.4f}"
            )
        ours, peer = medians["isthmus"], medians["terratorch"]
        print(
            f"  ratio: {peer['wall'] / ours['wall']:.3f} on the clock, {peer['cpu'] / ours['cpu']:.3f} of the processor"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="a Python interpreter that can import terratorch")
    parser.add_argument("--rounds", type=int, default=3, help="processes for each side and model")
    parser.add_argument("--steps", type=int, default=12, help="measured steps in each process")
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="32-true")
    parser.add_argument("--worker", choices=["isthmus", "terratorch"], help=argparse.SUPPRESS)
    parser.add_argument("--model", choices=list(MODELS), help="only this one")
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(measure(options.worker, options.model, options)))
    elif not options.peer:
        parser.error("--peer is needed")
    else:
        compare(options, sys.argv[1:])


if __name__ == "__main__":
    main()
