"""The backbones of Isthmus: one file a family, with what is known about each of its members."""

from isthmus.registry.catalog.backbones import (
    dinov3,
    identity,
    mmearth_convnextv2,
    olmoearth,
    unet,
)
from isthmus.registry.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    *dinov3.ENTRIES,
    *mmearth_convnextv2.ENTRIES,
    *olmoearth.ENTRIES,
    *unet.ENTRIES,
    *identity.ENTRIES,
)
