"""A package that brings parts of several kinds through entry points, as one would install it."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from isthmus.registry import Registry
from isthmus.registry.plugins import plugin_entries

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "plugin"


@pytest.fixture
def installed(tmp_path):
    """A folder with the example as an installer leaves it: the package, and its metadata beside it."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    shutil.copytree(EXAMPLE / "isthmus_example", tmp_path / "isthmus_example")
    metadata = tmp_path / f"isthmus_example-{project['version']}.dist-info"
    metadata.mkdir()
    header = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (metadata / "METADATA").write_text(header, encoding="utf-8")
    groups = []
    for group, points in project["entry-points"].items():
        groups.append(f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in points.items()))
    (metadata / "entry_points.txt").write_text("\n".join(groups), encoding="utf-8")
    return tmp_path


def found_in(folder):
    """Where Python looks for packages: a folder before everything else."""
    return os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))


def test_it_is_listed_without_being_imported(installed):
    program = (
        "import json, sys\n"
        "from isthmus.registry import BACKBONE_REGISTRY as registry\n"
        "entry = registry.entry('plain_stack')\n"
        "print(json.dumps([list(registry['isthmus']), dict(entry.facts), entry.signature().names]))\n"
        "assert 'torch' not in sys.modules and 'isthmus_example' not in sys.modules\n"
    )
    environment = {**os.environ, "PYTHONPATH": found_in(installed)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True, timeout=60
    )
    names, facts, arguments = json.loads(done.stdout)
    assert "plain_stack" in names
    assert facts == {"source": "isthmus-example", "doc": "Convolutions that halve the grid again and again"}
    assert arguments == ["in_chans", "widths", "coarse_first"]


def test_the_command_lists_it(installed):
    environment = {**os.environ, "PYTHONPATH": found_in(installed)}
    command = [sys.executable, "-c", "import isthmus.cli; isthmus.cli.main()", "list", "backbones", "plain_stack"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "plain_stack" in done.stdout


def test_it_builds(installed, monkeypatch):
    import torch

    monkeypatch.syspath_prepend(installed)
    registry = Registry("backbone", plugin_entries("isthmus.backbones"))
    encoder = registry.build("plain_stack", in_chans=4)
    features = encoder(torch.zeros(1, 4, 16, 16))
    assert [tuple(feature.shape) for feature in features] == [(1, 8, 8, 8), (1, 16, 4, 4)]


def test_its_own_tests_pass(installed):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE / "tests")]
    environment = {**os.environ, "PYTHONPATH": found_in(installed)}
    done = subprocess.run(
        command, env=environment, cwd=installed, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def run(installed, program):
    environment = {**os.environ, "PYTHONPATH": found_in(installed)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_loss_a_neck_and_a_task_are_known_without_being_imported(installed):
    found = run(
        installed,
        "import json, sys\n"
        "from isthmus.registry import LOSS_REGISTRY, NECK_REGISTRY, TASK_REGISTRY\n"
        "loss, neck = LOSS_REGISTRY.entry('edge'), NECK_REGISTRY.entry('FineFirst')\n"
        "task, base = map(TASK_REGISTRY.entry, ('FlipConsistencyTask', 'SemanticSegmentationTask'))\n"
        "same = [getattr(task, n) == getattr(base, n) for n in ('monitor', 'mode', 'purpose', 'compares', 'logged')]\n"
        "print(json.dumps([loss.compares, 'edge' in loss.signature().names, neck.proposes, same]))\n"
        "assert 'torch' not in sys.modules and 'isthmus_example' not in sys.modules\n",
    )
    assert found == [["classes"], True, True, [True] * 5]


def test_a_configuration_of_all_of_them_is_checked_and_planned(installed):
    faults, wrong, necks, prediction = run(
        installed,
        "import json\n"
        "from isthmus.config import check_config, load_config\n"
        f"config = load_config({str(EXAMPLE / 'flip_consistency.yaml')!r})\n"
        "faults = [str(fault) for fault in check_config(config, 'plan')]\n"
        "from isthmus.plan import plan\n"
        "planned = plan(config)\n"
        "config['model']['init_args'] |= {'loss': {'edge': {'egde': 3}}, 'consistncy': 1}\n"
        "wrong = {fault.key: fault.message for fault in check_config(config, 'plan')}\n"
        "print(json.dumps([faults, wrong, planned.necks, planned.output]))\n",
    )
    assert faults == []
    assert necks == [{"name": "FineFirst"}]
    assert prediction == [[1, 7, 224, 224]]
    assert "did you mean 'edge'" in wrong["model.init_args.loss.edge.egde"]
    assert "did you mean 'consistency'" in wrong["model.init_args.consistncy"]
