"""A package that brings things of every kind through entry points, and is not imported to list them."""

import json
import os
import subprocess
import sys

import pytest

from isthmus.config.check import check_config
from isthmus.registry import DATAMODULE_REGISTRY, TASK_REGISTRY
from isthmus.registry.kinds import DatamoduleKind, HeadKind, LossKind, NeckKind, TaskKind
from isthmus.registry.plugins import plugin_entries
from isthmus.registry.registry import Registry

PARTS = '''"""Parts; importing this costs torch."""

import torch
from torch import nn

from isthmus.models.necks import Neck
from isthmus.tasks import SemanticSegmentationTask


class Halve(Neck):
    """Halve the grid.

    And nothing else.
    """

    proposes = True

    def process_channel_list(self, channel_list):
        return list(channel_list)

    def forward(self, features, image_size=None):
        return features


class Base(nn.Module):
    compares = ("classes",)


class Margin(Base):
    """A margin between classes."""

    def __init__(self, margin=1.0):
        super().__init__()


class Silent(nn.Module):
    """It compares something, but does not say what."""


class Top(nn.Module):
    """A head."""

    size = "in_channels"
    outputs = "num_classes"

    def __init__(self, in_channels, num_classes, width=1):
        super().__init__()


class Crops(SemanticSegmentationTask):
    """Crops of every pixel."""

    monitor = "val/loss"

    def __init__(self, *args, season="summer", **kwargs):
        super().__init__(*args, **kwargs)
'''
DECLARED = '''"""Declarations, without torch."""

from isthmus.registry.kinds import LossKind

DECLARED = [
    LossKind("first", "their.parts:Margin", compares=("quantities",)),
    LossKind("second", "their.parts:Margin", compares=("classes",)),
]
'''
POINTS = """[isthmus.necks]
Halve = their.parts:Halve
[isthmus.losses]
margin = their.parts:Margin
several = their.declared:DECLARED
silent = their.parts:Silent
[isthmus.heads]
Top = their.parts:Top
[isthmus.tasks]
Crops = their.parts:Crops
[isthmus.callbacks]
gone = nowhere.at_all:Gone
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    (tmp_path / "their").mkdir()
    (tmp_path / "their/__init__.py").write_text("")
    (tmp_path / "their/parts.py").write_text(PARTS)
    (tmp_path / "their/declared.py").write_text(DECLARED)
    metadata = tmp_path / "their-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: their\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_what_a_declaration_asks_for_is_read_from_the_source(installed):
    (neck,) = plugin_entries("isthmus.necks", NeckKind)
    assert neck == NeckKind(
        "Halve", "their.parts:Halve", facts={"source": "their", "doc": "Halve the grid"}, proposes=True
    )
    (head,) = plugin_entries("isthmus.heads", HeadKind)
    assert (head.size, head.outputs) == ("in_channels", "num_classes")
    with pytest.warns(UserWarning, match="'their.parts:Silent' does not say compares: left out"):
        losses = {loss.name: loss for loss in plugin_entries("isthmus.losses", LossKind)}
    assert {name: loss.compares for name, loss in losses.items()} == {
        "margin": ("classes",),
        "first": ("quantities",),
        "second": ("classes",),
    }
    assert losses["margin"].known_signature().names == ("margin",)
    assert {loss.facts["source"] for loss in losses.values()} == {"their"}


def test_a_class_inherits_the_declaration_of_its_base(installed):
    own = TASK_REGISTRY.entry("SemanticSegmentationTask")
    (task,) = plugin_entries("isthmus.tasks", TaskKind, [own])
    assert (task.name, task.target) == ("Crops", "their.parts:Crops")
    assert (task.purpose, task.compares, task.logged) == (own.purpose, own.compares, own.logged)
    assert task.monitor == "val/loss"
    assert task.facts["doc"] == "Crops of every pixel"


def test_what_cannot_be_imported_is_told_when_it_is_built(installed):
    (callback,) = plugin_entries("isthmus.callbacks")
    with pytest.raises(ImportError, match="nowhere"):
        callback.build()


def test_a_registered_class_says_what_is_asked_of_it():
    registry = Registry("neck", (), NeckKind)

    @registry.register
    class Own:
        proposes = True

    assert registry.entry("Own").proposes
    losses = Registry("loss", (), LossKind)
    with pytest.raises(TypeError, match="does not say what is asked of one"):
        losses.register(Own)


def test_they_are_listed_and_checked_without_being_imported(installed):
    program = (
        "import json, sys, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "from isthmus.cli import main\n"
        "from isthmus.config import check_config\n"
        "for kind in ('necks', 'losses', 'heads', 'tasks'): main(['list', kind])\n"
        "args = {'backbone': 'timm_resnet18', 'decoder': 'FCNDecoder', 'num_classes': 2, 'head': 'Top', 'head_x': 1}\n"
        "task = {'model_factory': 'EncoderDecoderFactory', 'model_args': args, 'loss': ['margin', 'first'], 'seson': 1}\n"
        "config = {'model': {'class_path': 'Crops', 'init_args': task}, 'data': 'GenericNonGeoSegmentationDataModule'}\n"
        "faults = {fault.key: fault.message for fault in check_config(config, 'none')}\n"
        "sys.stderr.write(json.dumps([faults, [m for m in ('torch', 'their.parts') if m in sys.modules]]))\n"
    )
    path = os.pathsep.join(filter(None, [str(installed), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    for name in ("Halve", "margin", "second", "Top", "Crops"):
        assert f"\n{name} " in done.stdout
    faults, heavy = json.loads(done.stderr)
    assert heavy == []
    assert "no loss is called 'first'" in faults["model.init_args.loss"]
    assert "the Top has no argument 'head_x'" in faults["model.init_args.model_args.head_x"]
    assert "did you mean 'season'" in faults["model.init_args.seson"]


def test_declarations_are_what_the_registries_hold():
    assert all(isinstance(entry, DatamoduleKind) for entry in map(DATAMODULE_REGISTRY.entry, DATAMODULE_REGISTRY))
    assert check_config({"model": "KeypointTask", "data": "Nothing"}, "none")
