"""How long it takes, and how much memory, to build prithvi_eo_v2_300 with weights from a local file.

Isthmus from a `.pt` and from a `.safetensors` file, TerraTorch from the `.pt` file, and merely reading the files, each
in a process of its own, in turn; medians are printed. Imports are measured apart. The file holds random weights in the
published layout. Linux only, for the peak of the memory.

    python benchmarks/build_time.py --peer-python PATH_TO_PYTHON_WITH_TERRATORCH [--repeats 5]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

MEASURE = """
import json, re, sys, time

def memory(what):
    return int(re.search(what + r":\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024 / 1e6

begin = time.perf_counter()
{imports}
imported, before, cpu = time.perf_counter(), memory("VmRSS"), time.process_time()
built = {build}
done = time.perf_counter()
print(json.dumps({{
    "import_s": imported - begin, "s": done - imported, "cpu_s": time.process_time() - cpu, "peak_mb": memory("VmHWM"),
    "more_mb": memory("VmHWM") - before, "check": {check},
}}))
"""
ISTHMUS = {
    "imports": "import torch, isthmus.models.backbones.prithvi.family, isthmus.weights.locating, safetensors\n"
    "from isthmus.registry import BACKBONE_REGISTRY",
    "build": "BACKBONE_REGISTRY.build('prithvi_eo_v2_300', pretrained=True, ckpt_path=sys.argv[1], num_frames=1)",
    "check": "float(sum(p.double().sum() for p in built.parameters()))",
}
TERRATORCH = ISTHMUS | {
    "imports": "import torch\nfrom terratorch.registry import BACKBONE_REGISTRY",
}
READ_PT = {
    "imports": "import torch",
    "build": "torch.load(sys.argv[1], weights_only=True)",
    "check": "0.0",
}
READ_SAFETENSORS = {
    "imports": "import torch, safetensors.torch",
    "build": "{name: each.clone() for name, each in safetensors.torch.load_file(sys.argv[1]).items()}",
    "check": "0.0",
}


def write_checkpoints(folder: Path) -> dict[str, Path]:
    """The encoder at random, as the published files hold it."""
    import torch
    from safetensors.torch import save_file

    from isthmus.registry import BACKBONE_REGISTRY

    encoder = BACKBONE_REGISTRY.build("prithvi_eo_v2_300")
    state = {f"encoder.{name}": tensor for name, tensor in encoder.state_dict().items()}
    paths = {ending: folder / f"Prithvi_EO_V2_300M.{ending}" for ending in ("pt", "safetensors")}
    torch.save(state, paths["pt"])
    save_file(state, paths["safetensors"])
    return paths


def measure(python: str, program: dict[str, str], path: Path) -> dict[str, float]:
    """One build in a process of its own."""
    words = [python, "-W", "ignore", "-c", MEASURE.format(**program), str(path)]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    if done.returncode != 0:
        sys.exit(f"{python} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", help="the interpreter of an environment with TerraTorch")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        paths = write_checkpoints(Path(name))
        size = paths["pt"].stat().st_size / 1e6
        cases = {
            "Isthmus, .pt": (sys.executable, ISTHMUS, paths["pt"]),
            "Isthmus, .safetensors": (sys.executable, ISTHMUS, paths["safetensors"]),
            "reading the .pt": (sys.executable, READ_PT, paths["pt"]),
            "reading the .safetensors": (sys.executable, READ_SAFETENSORS, paths["safetensors"]),
        }
        if options.peer_python:
            cases["TerraTorch, .pt"] = (options.peer_python, TERRATORCH, paths["pt"])
        taken: dict[str, list[dict[str, float]]] = {case: [] for case in cases}
        for repeat in range(options.repeats):
            for case in list(cases) if repeat % 2 == 0 else reversed(cases):
                taken[case].append(measure(*cases[case]))
    medians = {
        case: {key: statistics.median(each[key] for each in found) for key in found[0]} for case, found in taken.items()
    }
    print(f"{size:.0f} MB of weights; medians of {options.repeats}, import apart")
    for case, found in medians.items():
        print(
            f"{case:26} {found['s']:6.2f} s ({found['cpu_s']:5.2f} s of CPU)  {found['more_mb']:6.0f} MB beyond the "
            f"import ({found['more_mb'] / size:.2f} x the weights), {found['peak_mb']:6.0f} MB in all; "
            f"import {found['import_s']:5.1f} s"
        )
    ours = medians["Isthmus, .pt"]
    if options.peer_python:
        peer = medians["TerraTorch, .pt"]
        if abs(peer["check"] - ours["check"]) > 1e-6 * abs(ours["check"]):
            sys.exit(f"the weights differ: their sum is {peer['check']} and {ours['check']}")
        for key, what in (("s", "time"), ("cpu_s", "CPU time"), ("more_mb", "memory"), ("peak_mb", "memory in all")):
            print(f"{what}: TerraTorch needs {peer[key] / ours[key]:.1f} times as much")
    print(json.dumps(medians))


if __name__ == "__main__":
    main()
