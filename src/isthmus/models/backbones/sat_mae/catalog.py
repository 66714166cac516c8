"""The SatMAE family (arXiv 2207.08051): its members, with their sizes.

Its weights are not in the Hub: they are loaded from a file.
"""

from dataclasses import dataclass
from typing import Any

from isthmus.models.layers.vit_sizes import VitSizes
from isthmus.registry.families import BackboneFacts, FamilyEntry


@dataclass(frozen=True, slots=True)
class SatMAESizes(VitSizes):
    """The sizes of a variant.

    Attributes:
        num_frames: how many images a time series has; None for single images.
    """

    num_frames: int | None = None


VARIANTS = {
    "satmae_base_patch16": SatMAESizes(768, 12, 12),
    "satmae_large_patch16": SatMAESizes(1024, 24, 16),
    "satmae_temporal_base_patch16": SatMAESizes(768, 12, 12, num_frames=3),
    "satmae_temporal_large_patch16": SatMAESizes(1024, 24, 16, num_frames=3),
    "satmae_sentinel2_base_patch8": SatMAESizes(768, 12, 12, patch_size=8),
    "satmae_sentinel2_large_patch8": SatMAESizes(1024, 24, 16, patch_size=8),
}
CHANNEL_GROUPS = (
    ("BLUE", "GREEN", "RED", "NIR_BROAD"),
    ("RED_EDGE_1", "RED_EDGE_2", "RED_EDGE_3", "NIR_NARROW"),
    ("SWIR_1", "SWIR_2"),
)

_RGB: dict[str, Any] = {
    "bands": ["RED", "GREEN", "BLUE"],
    "wavelengths": [0.665, 0.56, 0.49],
    "means": [106.641, 107.477, 101.778],  # of fMoW, in bytes from 0 to 255
    "stds": [73.374, 70.232, 70.482],
}
_WAVELENGTHS = {
    "BLUE": 0.49,
    "GREEN": 0.56,
    "RED": 0.665,
    "RED_EDGE_1": 0.705,
    "RED_EDGE_2": 0.74,
    "RED_EDGE_3": 0.783,
    "NIR_BROAD": 0.832,
    "NIR_NARROW": 0.864,
    "SWIR_1": 1.61,
    "SWIR_2": 2.2,
}
# Of fMoW-Sentinel, reflectances times 10,000. The pretraining maps two standard deviations about the mean to 0 ... 1.
_MEANS = (1184.382, 1120.771, 1136.26, 1263.739, 1645.403, 1846.87, 1762.595, 1972.624, 1732.164, 1247.919)
_STDS = (650.284, 712.125, 965.231, 948.982, 1108.067, 1258.364, 1233.149, 1364.387, 1310.37, 1087.602)
_SENTINEL_2: dict[str, Any] = {
    "bands": tuple(_WAVELENGTHS),
    "wavelengths": tuple(_WAVELENGTHS.values()),
    "sensors": ("Sentinel-2",),
    "means": [round(mean - 2 * std, 3) for mean, std in zip(_MEANS, _STDS, strict=True)],
    "stds": [round(4 * std, 3) for std in _STDS],
}


def _sat_mae(name: str, parameters: int, doc: str, **facts: Any) -> FamilyEntry:
    grouped = "sentinel2" in name
    known = BackboneFacts(
        family="sat_mae",
        doc=doc,
        parameters=parameters,
        patch_size=VARIANTS[name].patch_size,
        image_size=96 if grouped else 224,
        frames=VARIANTS[name].num_frames,
        **facts,
    )
    family = "GroupedSatMAE" if grouped else "SatMAE"
    return FamilyEntry(name, f"isthmus.models.backbones.sat_mae.family:{family}", {"variant": name}, facts=known)


ENTRIES = (
    _sat_mae("satmae_base_patch16", 85_647_360, "SatMAE, ViT-B, single images", **_RGB),
    _sat_mae("satmae_large_patch16", 303_099_904, "SatMAE, ViT-L, single images", **_RGB),
    _sat_mae("satmae_temporal_base_patch16", 85_647_360, "SatMAE, ViT-B, time series with dates", **_RGB),
    _sat_mae("satmae_temporal_large_patch16", 303_099_904, "SatMAE, ViT-L, time series with dates", **_RGB),
    _sat_mae(
        "satmae_sentinel2_base_patch8", 85_550_592, "SatMAE, ViT-B, tokens for three groups of bands", **_SENTINEL_2
    ),
    _sat_mae(
        "satmae_sentinel2_large_patch8", 302_970_880, "SatMAE, ViT-L, tokens for three groups of bands", **_SENTINEL_2
    ),
)
