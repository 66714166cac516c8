"""Ways to tune a vision transformer, side by side: all of it, none of its encoder, adapters in its encoder.

    python examples/hls_flood_tuning.py              train, test, and write docs/hls_flood_tuning.md
    python examples/hls_flood_tuning.py --keep       the same, with runs that are there already
    python examples/hls_flood_tuning.py --quick      one epoch of two batches: does it all run?

Run it from the root of the repository; the data lie beside it (see examples/hls_flood_prithvi_tiny.yaml). It needs the
extra `peft`. Every way is trained once for each seed, in a process of its own, so that its memory can be told.
"""

import argparse
import importlib
import multiprocessing
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from study import Run, train_and_test

from isthmus.atomic import write_text
from isthmus.models import EncoderDecoderFactory
from isthmus.report.text_table import text_table

CONFIG = Path("examples/hls_flood_prithvi_tiny.yaml")
RUNS = Path("runs/hls_flood_tuning")
DOCS = Path("docs/hls_flood_tuning.md")
RANK = 8
LORA = {
    "method": "LORA",
    "replace_qkv": "qkv",
    "peft_config_kwargs": {
        "target_modules": ["qkv.q_linear", "qkv.v_linear", "mlp.fc1", "mlp.fc2"],
        "r": RANK,
        "lora_alpha": 2 * RANK,
    },
}
WAYS = {
    "full": [],
    "frozen encoder": ["--model.init_args.freeze_backbone", "true"],
    "LoRA": ["--model.init_args.model_args.peft_config", yaml.safe_dump(LORA, default_flow_style=True).strip()],
}
QUICK = ["--trainer.max_epochs", "1", "--trainer.limit_train_batches", "2", "--trainer.limit_val_batches", "2"]


@dataclass(frozen=True)
class Tuned:
    """One way, one seed: what was trained, what it took, and the IoU of water by split.

    Attributes:
        way: the name of the way.
        run: the run, with its seed and its scores.
        trained: how many parameters are trained, of the encoder and in all.
        megabytes: the most memory above what the process had before; None where nobody knows any more.
        checkpoint: the size of the best checkpoint in megabytes.
    """

    way: str
    run: Run
    trained: tuple[int, int]
    megabytes: float | None
    checkpoint: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--keep", action="store_true", help="do not train again what has been trained")
    parser.add_argument("--quick", action="store_true", help="one epoch of two batches; nothing is written to docs")
    given = parser.parse_args()
    processes = multiprocessing.get_context("spawn")
    tuned = []
    for way in WAYS:
        for seed in given.seeds:
            with processes.Pool(1) as pool:  # a process for each: the most memory that it ever had is its own
                tuned.append(pool.apply(tune, (way, seed, given.keep, given.quick)))
    table = make_table(tuned)
    sys.stdout.write(f"\n{table}\n")
    if not given.quick:
        write_text(DOCS, TEXT.format(table=table, seeds=", ".join(map(str, given.seeds)), rank=RANK))
        sys.stdout.write(f"\n{DOCS}\n")


def tune(way: str, seed: int, keep: bool, quick: bool) -> Tuned:
    """Train and test one way, and see what it took."""
    trained = count_trained(way)
    root = RUNS / ("quick" if quick else "") / way.replace(" ", "_")
    importlib.import_module("isthmus.cli.session")  # what the commands import counts for none of the ways
    before = most_memory()
    run = train_and_test(CONFIG, seed, root, keep=keep, overrides=[*WAYS[way], *(QUICK if quick else [])])
    record = run.folder / "megabytes.txt"
    if run.minutes is not None and not (keep and record.is_file()):
        write_text(record, f"{most_memory() - before:.0f}\n")
    megabytes = float(record.read_text()) if record.is_file() else None
    checkpoint = (run.folder / "checkpoints" / "best.ckpt").stat().st_size / 1e6
    return Tuned(way, run, trained, megabytes, checkpoint)


def count_trained(way: str) -> tuple[int, int]:
    """How many parameters are trained: of the encoder, and in all."""
    arguments = dict(yaml.safe_load(CONFIG.read_text())["model"]["init_args"]["model_args"])
    if way == "LoRA":
        arguments["peft_config"] = LORA
    model = EncoderDecoderFactory().build_model("segmentation", **arguments)
    if way == "frozen encoder":
        model.freeze_encoder()
    of_encoder, of_all = (
        sum(parameter.numel() for parameter in part.parameters() if parameter.requires_grad)
        for part in (model.encoder, model)
    )
    return of_encoder, of_all


def most_memory() -> float:
    """The most memory that this process has had so far, in megabytes: on the GPU where there is one."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def make_table(tuned: Sequence[Tuned]) -> str:
    header = ["tuned", "seed", "encoder", "all", "val", "test", "peak MB", "minutes", "ckpt MB"]
    rows: list[Sequence[object]] = []
    for each in tuned:
        scores = [f"{each.run.scores[split]['classes']['water']['IoU']:.3f}" for split in ("val", "test")]
        megabytes = None if each.megabytes is None else f"{each.megabytes:.0f}"
        minutes = None if each.run.minutes is None else f"{each.run.minutes:.1f}"
        counts = [f"{count:,}" for count in each.trained]
        rows.append([each.way, each.run.seed, *counts, *scores, megabytes, minutes, f"{each.checkpoint:.1f}"])
    return text_table(header, rows, numbers=header[1:])


TEXT = """\
# Ways to tune a vision transformer

Written by `python examples/hls_flood_tuning.py`; do not edit. Seeds: {seeds}.

The small Prithvi-EO of [hls_flood](hls_flood.md), with necks, decoder, data and training as there, tuned in three ways:
all of it; necks, decoder and head only, with the encoder frozen; and the same with LoRA adapters of rank {rank} in the
queries, the values and the feed-forward networks of the frozen encoder ([adapters](adapters.md)).

**All weights are random at the start.** A frozen encoder then is a random projection, and adapters are to make
something of one. So this does not say how well these ways tune a pretrained encoder. It says that all three train, and
what they take.

```
{table}
```

`encoder` and `all` count the parameters that are trained. `val` and `test` are the IoU of water, all pixels of a split
together, at the checkpoint that is best on val by mIoU. `peak MB` is the most memory of the process (of the GPU where
there is one) beyond what it had before the training began. `ckpt MB` is the best checkpoint with the state of the
optimiser; a frozen random encoder is in it, since nothing else holds it, and a published one would be left out of that
with adapters.
"""


if __name__ == "__main__":
    main()
