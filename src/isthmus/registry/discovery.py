"""Finding the declarations of a package: each kind of thing is declared beside its code, in a module without torch."""

import importlib
from collections.abc import Iterator
from pathlib import Path

from isthmus.registry.entry import Entry


def declared_in(module: str) -> Iterator[Entry]:
    """What a module declares in its `ENTRIES`; the module is imported when the first of them is asked for."""
    yield from importlib.import_module(module).ENTRIES


def declared_below(package: str, module: str) -> Iterator[Entry]:
    """What the folders of a package declare, each in its module of that name.

    A folder takes part by being there: nothing lists it.
    """
    for folder in importlib.import_module(package).__path__:
        for file in sorted(Path(folder).glob(f"*/{module}.py")):
            yield from declared_in(f"{package}.{file.parent.name}.{module}")
