"""The backbones of Isthmus: one file a family, with what is known about each of its members."""

from isthmus.registry.catalog.backbones import (
    dinov3,
    identity,
    mmearth_convnextv2,
    olmoearth,
    sat_mae,
    satlas_swin,
    scale_mae,
    terramind,
    torchgeo_resnet,
    torchgeo_vit,
    unet,
)
from isthmus.registry.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    *scale_mae.ENTRIES,
    *sat_mae.ENTRIES,
    *torchgeo_resnet.ENTRIES,
    *torchgeo_vit.ENTRIES,
    *satlas_swin.ENTRIES,
    *terramind.ENTRIES,
    *dinov3.ENTRIES,
    *mmearth_convnextv2.ENTRIES,
    *olmoearth.ENTRIES,
    *unet.ENTRIES,
    *identity.ENTRIES,
)
