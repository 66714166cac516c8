"""Time of a training step against TerraTorch's: same model, batch, precision and trainer, in one run.

    python benchmarks/training_step.py --peer PATH/TO/PYTHON/WITH/TERRATORCH

Each side is a process; the two take turns step by step, and who goes first alternates. A step is a whole turn of
Lightning's loop: forward, loss, backward, optimiser, metrics and logging. Both the time on the clock and the time of
the processor are taken, as medians; ratios are those of neighbouring steps, and above 1 ours is faster.
"""

import argparse
import os
import resource
import sys
import time

from turns import Player, alternate, median, ratio, tell, wait

OFFLINE = {"HF_HUB_OFFLINE": "1"}

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


def work(package: str, model: str, options: argparse.Namespace) -> None:
    """Train, a step whenever it is this program's turn; runs in a process of its own."""
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

    class Turns(pl.Callback):
        begin = (0.0, 0.0)

        def on_train_batch_start(self, trainer: pl.Trainer, *_: object) -> None:
            if trainer.global_step:  # what the step before took
                wall, cpu = time.perf_counter() - self.begin[0], time.process_time() - self.begin[1]
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                tell(wall=wall, cpu=cpu, rss_mb=peak, loss=float(trainer.callback_metrics.get("train/loss", "nan")))
            else:
                tell(parameters=sum(parameter.numel() for parameter in task.model.parameters()))
            if not wait():
                os._exit(0)
            self.begin = time.perf_counter(), time.process_time()

    trainer = pl.Trainer(
        max_epochs=1,
        accelerator="cpu",
        precision=options.precision,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[Turns()],
    )
    trainer.fit(task, DataLoader([sample] * (options.warmup + options.steps + 1), batch_size=None))


def compare(options: argparse.Namespace, arguments: list[str]) -> None:
    """Let both train every model in turn, and print what they took."""
    print(
        f"batch {options.batch} x 6 x {options.size} x {options.size}, {options.precision}, {options.threads} thread(s)"
    )
    for model in [options.model] if options.model else MODELS:
        players = {
            package: Player([python, __file__, *arguments, "--worker", package, "--model", model], OFFLINE)
            for package, python in {"isthmus": sys.executable, "terratorch": options.peer}.items()
        }
        told = alternate(players, "step", options.steps, options.warmup)
        print(f"\n{model}")
        for package, steps in told.items():
            players[package].leave()
            times = ", ".join(f"{1000 * median(steps, key):8.1f} ms on the {key} clock" for key in ("wall", "cpu"))
            print(
                f"  {package:<10} {times}, "
                f"peak {steps[-1]['rss_mb']:.0f} MB, {players[package].about['parameters']} parameters, "
                f"last loss {steps[-1]['loss']:.4f}"
            )
        ratios = [ratio(told["terratorch"], told["isthmus"], key) for key in ("wall", "cpu")]
        print(f"  ratio: {ratios[0]:.3f} on the clock, {ratios[1]:.3f} of the processor", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="a Python interpreter that can import terratorch")
    parser.add_argument("--steps", type=int, default=12, help="measured steps of each side")
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="32-true")
    parser.add_argument("--worker", choices=["isthmus", "terratorch"], help=argparse.SUPPRESS)
    parser.add_argument("--model", choices=list(MODELS), help="only this one")
    options = parser.parse_args()
    if options.worker:
        work(options.worker, options.model, options)
    elif not options.peer:
        parser.error("--peer is needed")
    else:
        compare(options, sys.argv[1:])


if __name__ == "__main__":
    main()
