"""Memory and time of a training step of FC-DenseNet with and without checkpointing of its dense layers.

    python benchmarks/dense_memory.py

Each measurement is a process of its own, whose largest resident memory the operating system keeps. What a process
needs before the step (Python, torch, the weights) is given beside it and taken off for the second ratio. A step is
forward, cross-entropy, backward and optimiser. The network, the crop and the batch are those of the paper by default:
FC-DenseNet103, 224 x 224 pixels, three images, eleven classes, RMSprop.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

KINDS = {"kept": False, "checkpointed": True}


def measure(kind: str, options: argparse.Namespace) -> dict:
    """Train for some steps; runs in a process of its own."""
    import torch
    from torch.nn import functional as F

    from isthmus.blocks import FCDenseNet

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    net = FCDenseNet.published(3, options.depth, checkpointing=KINDS[kind], head_channels=11).train()
    optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-3, weight_decay=1e-4)
    images = torch.randn(options.batch, 3, options.size, options.size)
    labels = torch.randint(0, 11, (options.batch, options.size, options.size))
    before, seconds, losses = peak(), [], []
    for _ in range(options.steps):
        start = time.perf_counter()
        loss = F.cross_entropy(net(images)[-1].prediction, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
        losses.append(loss.item())
    return {"before": before, "peak": peak(), "seconds": statistics.median(seconds), "losses": losses}


def peak() -> float:
    """The largest resident memory of this process so far, in MiB."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (2**20 if sys.platform == "darwin" else 2**10)


def measured(kind: str, options: argparse.Namespace) -> dict:
    """What `measure` gives, run in a process of its own."""
    command = [sys.executable, __file__, "--kind", kind]
    for name in ("depth", "size", "batch", "steps", "threads"):
        command += [f"--{name}", str(getattr(options, name))]
    environment = os.environ | {"OMP_NUM_THREADS": str(options.threads)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure both and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depth", type=int, default=103, choices=[56, 67, 103])
    parser.add_argument("--size", type=int, default=224, help="height and width of the crop")
    parser.add_argument("--batch", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--kind", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.kind:
        print(json.dumps(measure(options.kind, options)))
        return
    results = {kind: measured(kind, options) for kind in KINDS}
    print(
        f"FC-DenseNet{options.depth}, {options.batch} x {options.size} x {options.size}, "
        f"{options.steps} step(s), {options.threads} thread(s)"
    )
    for kind, result in results.items():
        print(
            f"{kind:>12}: peak {result['peak']:7.0f} MiB ({result['before']:.0f} before the step), "
            f"{result['seconds']:6.2f} s a step, loss {result['losses'][-1]:.6f}"
        )
    kept, checkpointed = results["kept"], results["checkpointed"]
    print(
        f"checkpointed / kept: memory {checkpointed['peak'] / kept['peak']:.3f}, memory of the step "
        f"{(checkpointed['peak'] - checkpointed['before']) / (kept['peak'] - kept['before']):.3f}, "
        f"time {checkpointed['seconds'] / kept['seconds']:.2f}"
    )


if __name__ == "__main__":
    main()
