"""The public names, held by a golden file: what is in it may be used from outside and does not vanish by accident.

After a deliberate change: `python tests/test_public_names.py`, and look at the difference.
"""

import importlib
import json
import sys
from pathlib import Path

import pytest

GOLDEN = Path(__file__).with_name("public_names.json")
PACKAGES = (
    "isthmus",
    "isthmus.registry",
    "isthmus.composition",
    "isthmus.models",
    "isthmus.models.adapters",
    "isthmus.models.backbones",
    "isthmus.models.decoders",
    "isthmus.models.factories",
    "isthmus.models.heads",
    "isthmus.models.necks",
    "isthmus.blocks",
    "isthmus.datamodules",
    "isthmus.datasets",
    "isthmus.plan",
    "isthmus.predictions",
    "isthmus.tasks",
    "isthmus.transforms",
    "isthmus.weights",
)


def public_names(package):
    module = importlib.import_module(package)
    return sorted(getattr(module, "__all__", ()))


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_are_those_of_the_golden_file(package):
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert public_names(package) == golden[package]


@pytest.mark.slow
@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_leads_somewhere(package):
    module = importlib.import_module(package)
    for name in public_names(package):
        assert getattr(module, name) is not None
        assert name in dir(module)


if __name__ == "__main__":
    names = {package: public_names(package) for package in PACKAGES}
    GOLDEN.write_text(json.dumps(names, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(f"{GOLDEN}: {sum(map(len, names.values()))} names\n")
