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
# Means and standard deviations of the pretraining, in reflectance times 10,000.
_V1: dict[str, Any] = {
    "frames": 3,
    "means": (775.0, 1081.0, 1229.0, 2497.0, 2204.0, 1611.0),
    "stds": (1282.0, 1270.0, 1399.0, 1368.0, 1292.0, 1155.0),
}
_V2: dict[str, Any] = {
    "frames": 4,
    "means": (1087.0, 1342.0, 1433.0, 2734.0, 1958.0, 1363.0),
    "stds": (2248.0, 2179.0, 2178.0, 1850.0, 1242.0, 1049.0),
}


def _prithvi(name: str, parameters: int, doc: str, **published: Any) -> FamilyEntry:
    """An encoder of the Prithvi-EO family; `published` is known only of those that have weights."""
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


def _published(name: str, parameters: int, vit: str, release: str) -> FamilyEntry:
    """An encoder with weights; `release` is what its repository calls it, such as "2.0-300M-TL"."""
    version, _, size = release.partition("-")
    return _prithvi(
        name,
        parameters,
        f"Prithvi-EO-{version}, {vit}{', with time and location' if VARIANTS[name].coordinates else ''}",
        weights=f"ibm-nasa-geospatial/Prithvi-EO-{release}",
        file=f"Prithvi_EO_V{version[0]}_{size.replace('-', '_')}.pt",
        **(_V1 if version == "1.0" else _V2),
    )


ENTRIES = (
    _prithvi("prithvi_eo_tiny", 3_553_280, "Small ViT of the Prithvi-EO family, without published weights"),
    _published("prithvi_eo_v1_100", 86_237_184, "ViT-B", "1.0-100M"),
    _published("prithvi_eo_v2_tiny_tl", 5_634_050, "ViT-Ti", "2.0-tiny-TL"),
    _published("prithvi_eo_v2_100_tl", 86_237_186, "ViT-B", "2.0-100M-TL"),
    _published("prithvi_eo_v2_300", 303_886_336, "ViT-L", "2.0-300M"),
    _published("prithvi_eo_v2_300_tl", 303_886_338, "ViT-L", "2.0-300M-TL"),
    _published("prithvi_eo_v2_600", 631_188_480, "ViT-H", "2.0-600M"),
    _published("prithvi_eo_v2_600_tl", 631_188_482, "ViT-H", "2.0-600M-TL"),
)
