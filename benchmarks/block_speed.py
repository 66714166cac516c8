"""Time of a U-Net forward and in training, against sleap-nn's and segmentation-models-pytorch's, on the processor.

    python benchmarks/block_speed.py --peer PATH/TO/PYTHON/WITH/SLEAP_NN

Three pairs of the same widths: the block U-Net and sleap-nn's, without heads, once going up by transposed convolution
and once by interpolation; and smp's encoder resnet18 under our UNetDecoder and smp's own U-Net over it. Then the
block U-Net by itself: what `channels_last`, `torch.compile` and bfloat16 bring. Each measurement is a process of its
own; they take turns. Times are medians; a ratio above 1 means that ours is faster.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from contextlib import nullcontext

UP = {"transposed": False, "interpolated": True}
PAIRS = {
    "U-Net, transposed": ("isthmus:transposed", "sleap-nn:transposed"),
    "U-Net, interpolated": ("isthmus:interpolated", "sleap-nn:interpolated"),
    "resnet18 U-Net": ("isthmus:resnet18", "smp:resnet18"),
}
VARIANTS = ("plain", "channels_last", "compile", "bf16", "channels_last+bf16", "channels_last+compile")


def build(side: str):
    """The network and the channels that it takes."""
    who, kind = side.split(":")
    if kind == "resnet18":
        import segmentation_models_pytorch as smp

        if who == "smp":
            return smp.Unet("resnet18", encoder_weights=None, in_channels=3, classes=2), 3
        from isthmus.models import EncoderDecoderFactory

        model = EncoderDecoderFactory().build_model(
            "segmentation",
            "smp_resnet18",
            "UNetDecoder",
            backbone_pretrained=False,
            decoder_channels=[256, 128, 64, 32, 16],
            num_classes=2,
        )
        return model, 3
    if who == "isthmus":
        from isthmus.blocks import UNet

        return UNet(1, 32, 2, down_blocks=4, up_blocks=4, up_interpolate=UP[kind]), 1
    from sleap_nn.architectures.unet import UNet as Theirs

    return Theirs(
        in_channels=1, filters=32, filters_rate=2, down_blocks=4, up_blocks=4, up_interpolate=UP[kind], output_stride=1
    ), 1


def last_of(given):
    """The finest map among whatever a network gives."""
    import torch

    if isinstance(given, torch.Tensor):
        return given
    if isinstance(given, dict):
        return last_of(given["outputs"])
    if hasattr(given, "output"):
        return given.output
    return last_of(given[-1])


def measure(side: str, variant: str, options: argparse.Namespace) -> dict:
    """Seconds of a forward pass and of a training step; runs in a process of its own."""
    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    network, channels = build(side)
    x = torch.randn(options.batch, channels, options.size, options.size)
    if "channels_last" in variant:
        network, x = network.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    run = torch.compile(network) if "compile" in variant else network
    cast = (lambda: torch.autocast("cpu", torch.bfloat16)) if "bf16" in variant else nullcontext
    optimizer = torch.optim.Adam(network.parameters(), 1e-4)

    def forward() -> None:
        with torch.inference_mode(), cast():
            last_of(run(x))

    def step() -> None:
        with cast():
            loss = last_of(run(x)).float().square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    result = {"parameters": sum(parameter.numel() for parameter in network.parameters())}
    for name, work, mode in (("forward", forward, False), ("step", step, True)):
        network.train(mode)
        for _ in range(options.warmup):
            work()
        seconds = []
        for _ in range(options.steps):
            begin = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - begin)
        result[name] = statistics.median(seconds)
    return result


def run_worker(side: str, variant: str, options: argparse.Namespace) -> dict:
    """Measure in a process of its own."""
    python = options.peer if side.startswith("sleap-nn") else sys.executable
    words = [python, "-W", "ignore", __file__, "--worker", side, "--variant", variant]
    for name in ("batch", "size", "steps", "warmup", "threads"):
        words += [f"--{name}", str(getattr(options, name))]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{side}, {variant} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def in_turn(jobs: dict[str, tuple[str, str]], options: argparse.Namespace) -> dict[str, dict]:
    """The medians of several rounds in which the jobs take turns."""
    results: dict[str, list[dict]] = {name: [] for name in jobs}
    for turn in range(options.rounds):
        for name in list(jobs)[:: 1 if turn % 2 == 0 else -1]:
            results[name].append(run_worker(*jobs[name], options))
            print(f"{name}: {json.dumps(results[name][-1])}", file=sys.stderr, flush=True)
    return {
        name: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for name, runs in results.items()
    }


def show(name: str, times: dict, reference: dict) -> None:
    """A line: times, and how many times faster than the reference."""
    print(
        f"  {name:<24} forward {1000 * times['forward']:8.1f} ms  step {1000 * times['step']:8.1f} ms  "
        f"{times['parameters']:.0f} parameters  ratio {reference['forward'] / times['forward']:.2f} forward, "
        f"{reference['step'] / times['step']:.2f} step"
    )


def main() -> None:
    """Measure the pairs and the variants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--peer", help="a Python interpreter that can import sleap_nn; without it that pair is left out"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--variant", default="plain", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(measure(options.worker, options.variant, options)))
        return
    print(f"batch {options.batch}, {options.size} x {options.size}, {options.threads} thread(s)")
    for title, (ours, theirs) in PAIRS.items():
        if theirs.startswith("sleap-nn") and not options.peer:
            continue
        medians = in_turn({ours: (ours, "plain"), theirs: (theirs, "plain")}, options)
        print(title)
        show(theirs, medians[theirs], medians[theirs])
        show(ours, medians[ours], medians[theirs])
    print("the block U-Net, transposed, against itself as it is")
    medians = in_turn({variant: ("isthmus:transposed", variant) for variant in VARIANTS}, options)
    for variant, times in medians.items():
        show(variant, times, medians["plain"])


if __name__ == "__main__":
    main()
