"""The backbones of Isthmus: one file a family, with what is known about each of its members."""

from isthmus.registry.catalog.backbones import terramind
from isthmus.registry.entry import Entry

ENTRIES: tuple[Entry, ...] = terramind.ENTRIES
