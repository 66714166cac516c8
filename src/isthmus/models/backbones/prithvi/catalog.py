"""The Prithvi-EO family: its members, with their sizes."""

from dataclasses import dataclass
from typing import Any

from isthmus.bands import WAVELENGTHS
from isthmus.models.layers.vit_sizes import VitSizes
from isthmus.registry.families import BackboneFacts, FamilyEntry

HLS_BANDS = ("BLUE", "GREEN", "RED", "NIR_NARROW", "SWIR_1", "SWIR_2")


@dataclass(frozen=True, slots=True)
class PrithviSizes(VitSizes):
    """The sizes of a variant.

    Attributes:
        coordinates: whether it takes dates and places.
    """

    coordinates: bool = False


VARIANTS = {
    "prithvi_eo_tiny": PrithviSizes(256, 4, 4),
    "prithvi_eo_v1_100": PrithviSizes(768, 12, 12),
    "prithvi_eo_v2_tiny_tl": PrithviSizes(192, 12, 3, coordinates=True),
    "prithvi_eo_v2_100_tl": PrithviSizes(768, 12, 12, coordinates=True),
    "prithvi_eo_v2_300": PrithviSizes(1024, 24, 16),
    "prithvi_eo_v2_300_tl": PrithviSizes(1024, 24, 16, coordinates=True),
    "prithvi_eo_v2_600": PrithviSizes(1280, 32, 16, patch_size=14),
    "prithvi_eo_v2_600_tl": PrithviSizes(1280, 32, 16, patch_size=14, coordinates=True),
}
_PRITHVI_V1: dict[str, Any] = {
    "frames": 3,
    "means": (775.0, 1081.0, 1229.0, 2497.0, 2204.0, 1611.0),
    "stds": (1282.0, 1270.0, 1399.0, 1368.0, 1292.0, 1155.0),
}
_PRITHVI_V2: dict[str, Any] = {
    "frames": 4,
    "means": (1087.0, 1342.0, 1433.0, 2734.0, 1958.0, 1363.0),
    "stds": (2248.0, 2179.0, 2178.0, 1850.0, 1242.0, 1049.0),
}


def _prithvi(name: str, parameters: int, doc: str, **published: Any) -> FamilyEntry:
    """An encoder of the Prithvi-EO family; `published` is known only of those that have weights.

    Means and standard deviations are those of the pretraining, in reflectance times 10,000.
    """
    facts = BackboneFacts(
        family="prithvi",
        doc=doc,
        parameters=parameters,
        bands=HLS_BANDS,
        wavelengths=tuple(WAVELENGTHS[band] for band in HLS_BANDS),
        sensors=("HLS",),
        patch_size=VARIANTS[name].patch_size,
        image_size=224,
        license="apache-2.0" if published else None,
        **published,
    )
    return FamilyEntry(name, "isthmus.models.backbones.prithvi.family:Prithvi", {"variant": name}, facts=facts)


_HUB = "ibm-nasa-geospatial/Prithvi-EO-"

ENTRIES = (
    _prithvi("prithvi_eo_tiny", 3_553_280, "Small ViT of the Prithvi-EO family, without published weights"),
    _prithvi(
        "prithvi_eo_v1_100",
        86_237_184,
        "Prithvi-EO-1.0, ViT-B",
        weights=_HUB + "1.0-100M",
        file="Prithvi_EO_V1_100M.pt",
        **_PRITHVI_V1,
    ),
    _prithvi(
        "prithvi_eo_v2_tiny_tl",
        5_634_050,
        "Prithvi-EO-2.0, ViT-Ti, with time and location",
        weights=_HUB + "2.0-tiny-TL",
        file="Prithvi_EO_V2_tiny_TL.pt",
        **_PRITHVI_V2,
    ),
    _prithvi(
        "prithvi_eo_v2_100_tl",
        86_237_186,
        "Prithvi-EO-2.0, ViT-B, with time and location",
        weights=_HUB + "2.0-100M-TL",
        file="Prithvi_EO_V2_100M_TL.pt",
        **_PRITHVI_V2,
    ),
    _prithvi(
        "prithvi_eo_v2_300",
        303_886_336,
        "Prithvi-EO-2.0, ViT-L",
        weights=_HUB + "2.0-300M",
        file="Prithvi_EO_V2_300M.pt",
        **_PRITHVI_V2,
    ),
    _prithvi(
        "prithvi_eo_v2_300_tl",
        303_886_338,
        "Prithvi-EO-2.0, ViT-L, with time and location",
        weights=_HUB + "2.0-300M-TL",
        file="Prithvi_EO_V2_300M_TL.pt",
        **_PRITHVI_V2,
    ),
    _prithvi(
        "prithvi_eo_v2_600",
        631_188_480,
        "Prithvi-EO-2.0, ViT-H",
        weights=_HUB + "2.0-600M",
        file="Prithvi_EO_V2_600M.pt",
        **_PRITHVI_V2,
    ),
    _prithvi(
        "prithvi_eo_v2_600_tl",
        631_188_482,
        "Prithvi-EO-2.0, ViT-H, with time and location",
        weights=_HUB + "2.0-600M-TL",
        file="Prithvi_EO_V2_600M_TL.pt",
        **_PRITHVI_V2,
    ),
)
