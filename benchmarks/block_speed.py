"""Time of a U-Net forward and in training, against sleap-nn's and segmentation-models-pytorch's, on the processor.

    python benchmarks/block_speed.py --peer PATH/TO/PYTHON/WITH/SLEAP_NN

Three pairs of the same widths: the block U-Net and sleap-nn's, without heads, once going up by transposed convolution
and once by interpolation; and smp's encoder resnet18 under our UNetDecoder and smp's own U-Net over it. Then the
block U-Net by itself: what `channels_last`, `torch.compile` and bfloat16 bring. The two sides of a comparison are
processes that take turns step by step, those of a pair started anew a few times, since the memory that a process
happens to get matters. Times are medians, ratios the median of those of neighbouring steps, with the least and the
largest among the pairs of processes; above 1 means that ours, or the variant, is faster.
"""

import argparse
import sys
import time
from contextlib import nullcontext

from turns import Player, alternate, median, ratio, tell, wait

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


def work(side: str, variant: str, options: argparse.Namespace) -> None:
    """Do a forward pass or a training step whenever it is this program's turn; runs in a process of its own."""
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

    tell(parameters=sum(parameter.numel() for parameter in network.parameters()))
    while name := wait():
        network.train(name == "step")
        begin = time.perf_counter()
        {"forward": forward, "step": step}[name]()
        tell(seconds=time.perf_counter() - begin)


def compare(reference: tuple[str, str], other: tuple[str, str], pairs: int, options: argparse.Namespace) -> None:
    """Three lines: the times of both, and how many times faster than the reference the other one is."""
    told: dict[str, dict] = {name: {reference: [], other: []} for name in ("forward", "step")}
    by_pair: dict[str, list[float]] = {name: [] for name in told}
    for _ in range(pairs):
        players = {who: Player(command(*who, options)) for who in (reference, other)}
        for name, each in told.items():
            times = alternate(players, name, options.steps, options.warmup)
            by_pair[name].append(ratio(times[reference], times[other], "seconds"))
            for who in players:
                each[who] += times[who]
        for player in players.values():
            player.leave()
    for who, player in players.items():
        times = "  ".join(f"{name} {1000 * median(each[who], 'seconds'):7.1f} ms" for name, each in told.items())
        print(f"  {who[0]:<24} {who[1]:<22} {times}  {player.about['parameters']} parameters")
    ratios = [
        f"{name} {ratio(each[reference], each[other], 'seconds'):.2f} ({min(among):.2f} to {max(among):.2f})"
        for (name, each), among in zip(told.items(), by_pair.values(), strict=True)
    ]
    print(f"  {'':<24} {'ratio':<22} {', '.join(ratios)}", flush=True)


def command(side: str, variant: str, options: argparse.Namespace) -> list[str]:
    """The words that start one side."""
    python = options.peer if side.startswith("sleap-nn") else sys.executable
    words = [python, "-W", "ignore", __file__, "--worker", side, "--variant", variant]
    for name in ("batch", "size", "threads"):
        words += [f"--{name}", str(getattr(options, name))]
    return words


def main() -> None:
    """Measure the pairs and the variants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--peer", help="a Python interpreter that can import sleap_nn; without it that pair is left out"
    )
    parser.add_argument("--steps", type=int, default=12, help="of each kind and side")
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=3, help="how often two processes are started anew")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--variant", default="plain", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker, options.variant, options)
        return
    print(f"batch {options.batch}, {options.size} x {options.size}, {options.threads} thread(s)")
    for title, (ours, theirs) in PAIRS.items():
        if theirs.startswith("sleap-nn") and not options.peer:
            continue
        print(title)
        compare((theirs, "plain"), (ours, "plain"), options.pairs, options)
    print("the block U-Net, transposed, against itself as it is")
    for variant in VARIANTS[1:]:
        compare(("isthmus:transposed", "plain"), ("isthmus:transposed", variant), 1, options)


if __name__ == "__main__":
    main()
