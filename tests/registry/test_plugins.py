"""A package that brings a backbone through an entry point, as one would install it."""

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

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "backbone_plugin"


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
    assert arguments == ["in_chans", "widths"]


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
