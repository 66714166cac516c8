"""Checking the files that a configuration names: folders, pairs, bands and labels."""

from collections.abc import Iterator, Mapping
from typing import Any

from isthmus.errors import Fault


def data_faults(config: Mapping[str, Any], subcommand: str) -> Iterator[Fault]:
    """Every fault in the data section that the files themselves show."""
    yield from ()
