"""The Clay family (https://clay-foundation.github.io/model): its members, with their sizes."""

from typing import Any

from isthmus.bands import WAVELENGTHS
from isthmus.models.layers.vit_sizes import VitSizes
from isthmus.registry.families import BackboneFacts, FamilyEntry

# What Clay was told about the bands in its pretraining, where it differs from the table of the vocabulary.
CLAY_WAVELENGTHS = WAVELENGTHS | {
    "BLUE": 0.493,
    "RED_EDGE_1": 0.704,
    "NIR_BROAD": 0.842,
    "NIR_NARROW": 0.865,
    "SWIR_2": 2.19,
    **{prefix + "VV": 3.5 for prefix in ("", "ASC_", "DSC_")},
    **{prefix + "VH": 4.0 for prefix in ("", "ASC_", "DSC_")},
}
VARIANTS = {
    "clay_v1_base": VitSizes(768, 12, 12, patch_size=8),
    "clay_v1_5_tiny": VitSizes(192, 6, 4, patch_size=8, mlp_ratio=2.0),
    "clay_v1_5_small": VitSizes(384, 6, 6, patch_size=8, mlp_ratio=2.0),
    "clay_v1_5_base": VitSizes(768, 12, 12, patch_size=8),
    "clay_v1_5_large": VitSizes(1024, 24, 16, patch_size=8),
}
_BANDS = ("BLUE", "GREEN", "RED", "NIR_BROAD", "SWIR_1", "SWIR_2")
_V1_SENSORS = ("Sentinel-2", "Sentinel-1", "Landsat", "NAIP", "LINZ")


def _clay(name: str, parameters: int, doc: str, **published: Any) -> FamilyEntry:
    """An encoder of the Clay family; the bands are those that it takes unless others are asked for."""
    facts = BackboneFacts(
        family="clay",
        doc=doc,
        parameters=parameters,
        bands=_BANDS,
        wavelengths=tuple(CLAY_WAVELENGTHS[band] for band in _BANDS),
        patch_size=VARIANTS[name].patch_size,
        image_size=256,
        **published,
    )
    return FamilyEntry(name, "isthmus.models.backbones.clay.family:Clay", {"variant": name}, facts=facts)


ENTRIES = (
    _clay(
        "clay_v1_base",
        92_102_144,
        "Clay v1, ViT-B, images of any bands with time, place and pixel size",
        sensors=_V1_SENSORS,
        weights="made-with-clay/Clay-legacy",
        file="v1/clay-v1-base.ckpt",
    ),
    _clay("clay_v1_5_tiny", 4_030_592, "Clay v1.5, tiny, without published weights"),
    _clay("clay_v1_5_small", 10_957_568, "Clay v1.5, small, without published weights"),
    _clay("clay_v1_5_base", 92_102_144, "Clay v1.5, ViT-B, without published weights"),
    _clay(
        "clay_v1_5_large",
        311_442_944,
        "Clay v1.5, ViT-L, images of any bands with time, place and pixel size",
        sensors=(*_V1_SENSORS, "MODIS"),
        weights="made-with-clay/Clay",
        file="v1.5/clay-v1.5.ckpt",
        license="apache-2.0",
        means=(1105.0, 1355.0, 1552.0, 2743.0, 2388.0, 1835.0),  # of Sentinel-2 L2A
        stds=(1809.0, 1757.0, 1888.0, 1742.0, 1470.0, 1379.0),
    ),
)
