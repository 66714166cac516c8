"""What every test shares: threads that do not fight, and shapes and types that are checked at run time."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from pathlib import Path

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# An int is a float to Python's own rules of typing, so it is to the run-time check.
install_import_hook("isthmus", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")

settings.register_profile("isthmus", deadline=None, max_examples=50)
settings.load_profile("isthmus")

SHARED = Path(os.environ.get("ISTHMUS_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real data and recorded reference numbers, beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"no shared data at {SHARED}")
    return SHARED
