"""The backbones of Isthmus: one file a family, with what is known about each of its members."""

from isthmus.registry.catalog.backbones import clay, dofa, prithvi, scale_mae, terramind
from isthmus.registry.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    *prithvi.ENTRIES,
    *clay.ENTRIES,
    *terramind.ENTRIES,
    *dofa.ENTRIES,
    *scale_mae.ENTRIES,
)
