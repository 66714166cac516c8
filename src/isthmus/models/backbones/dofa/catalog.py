"""The DOFA family (arXiv 2403.15356): its members, with their sizes."""

from typing import Any

from isthmus.bands import WAVELENGTHS
from isthmus.models.layers.vit_sizes import VitSizes
from isthmus.registry.families import BackboneFacts, FamilyEntry

VARIANTS = {
    "dofa_small_patch16_224": VitSizes(384, 12, 6),
    "dofa_base_patch16_224": VitSizes(768, 12, 12),
    "dofa_large_patch16_224": VitSizes(1024, 24, 16),
    "dofa_huge_patch14_224": VitSizes(1280, 32, 16, patch_size=14),
}


def _dofa(name: str, parameters: int, doc: str, **published: Any) -> FamilyEntry:
    """An encoder of the DOFA family; the bands are all those whose wavelength it can look up."""
    facts = BackboneFacts(
        family="dofa",
        doc=doc,
        parameters=parameters,
        bands=tuple(WAVELENGTHS),
        wavelengths=tuple(WAVELENGTHS.values()),
        patch_size=VARIANTS[name].patch_size,
        image_size=224,
        **published,
    )
    return FamilyEntry(name, "isthmus.models.backbones.dofa.family:DOFA", {"variant": name}, facts=facts)


_HUB: dict[str, Any] = {"weights": "torchgeo/dofa", "revision": "b8db318b64a90b9e085ec04ba8851233c5893666"}
_SENSORS = ("Sentinel-1", "Sentinel-2", "Gaofen-2", "NAIP", "EnMAP")

ENTRIES = (
    _dofa("dofa_small_patch16_224", 34_667_264, "DOFA, ViT-S, images of any bands, without published weights"),
    _dofa(
        "dofa_base_patch16_224",
        111_159_296,
        "DOFA, ViT-B, images of any bands",
        file="dofa_base_patch16_224-a0275954.pth",
        sha256_prefix="a0275954",
        sensors=_SENSORS,
        **_HUB,
    ),
    _dofa(
        "dofa_large_patch16_224",
        336_901_632,
        "DOFA, ViT-L, images of any bands",
        file="dofa_large_patch16_224-0ff904d3.pth",
        sha256_prefix="0ff904d3",
        sensors=_SENSORS,
        **_HUB,
    ),
    _dofa(
        "dofa_huge_patch14_224",
        662_850_560,
        "DOFA, ViT-H, images of any bands, without published weights",
    ),
)
