"""The decoders of Isthmus."""

from isthmus.registry.entry import Entry

ENTRIES: tuple[Entry, ...] = ()
