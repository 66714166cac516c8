"""The recorded reference numbers beside the checkout, for the tests that compare against them.

from oracle import cases, load_oracle

check = load_oracle()               # the module oracle/reference/check.py
for case in cases("necks", "neck.reshape."):
    ...
"""

import functools
import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

SHARED = Path(os.environ.get("ISTHMUS_SHARED", Path(__file__).resolve().parents[2] / "shared"))
FOLDER = SHARED / "oracle" / "reference"


@functools.cache
def load_oracle() -> ModuleType:
    """The comparing module that comes with the recordings: `fill_`, `make_inputs`, `compare_outputs`, `Oracle`."""
    spec = importlib.util.spec_from_file_location("isthmus_oracle_check", FOLDER / "check.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@functools.cache
def load_manifests() -> Any:
    """An `Oracle` that knows the manifests only: `.manifest(case)` and `.fixed_keys(case)`."""
    check = load_oracle()
    oracle = check.Oracle.__new__(check.Oracle)
    oracle.folder, oracle.cases, oracle._manifests = str(FOLDER), {}, None
    return oracle


@functools.cache
def _section(section: str) -> list[dict]:
    path = FOLDER / f"{section}.json"
    return json.loads(path.read_text(encoding="utf-8"))["cases"] if path.is_file() else []


def cases(section: str, prefix: str = "") -> list[dict]:
    """The cases of a section ("necks", "models", ...) whose id begins with `prefix`.

    Empty where the recordings are not there, so that it may be used in `pytest.mark.parametrize`; the test itself
    skips through the `shared` fixture.
    """
    return [case for case in _section(section) if case["id"].startswith(prefix)]


def differences(recorded: dict, obj: Any, atol: float = 1e-5, rtol: float = 1e-4) -> list[str]:
    """What differs between recorded outputs and a nested output; empty where they agree."""
    result = load_oracle().compare_outputs(recorded, obj, atol, rtol)
    found = [f"{path}: {'; '.join(each['why'])}" for path, each in result["outputs"].items() if not each["ok"]]
    return found + [f"{path}: not recorded" for path in result["extra"]]
