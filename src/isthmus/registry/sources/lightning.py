"""The callbacks of Lightning, by name, without importing it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from isthmus.registry.entry import Entry
from isthmus.signatures import exports, find_definition

PACKAGE = "lightning"
CALLBACKS = "lightning.pytorch.callbacks"


@dataclass(frozen=True)
class CallbackEntry(Entry):
    """A callback, of which the docstring is read when it is asked for."""

    def described(self) -> dict[str, Any]:
        """Where it comes from, and what it does."""
        module, _, name = str(self.target).partition(":")
        found = find_definition(module, name)
        doc = ast.get_docstring(found[1]) if found else None
        return {**self.facts, "doc": " ".join((doc or "").partition("\n\n")[0].split()).partition(". ")[0].rstrip(".")}


def scan_callbacks() -> Iterator[Entry]:
    """The callbacks that Lightning exports."""
    for name in sorted(exports(CALLBACKS)):
        yield CallbackEntry(name, f"{CALLBACKS}:{name}", facts={"source": PACKAGE})
