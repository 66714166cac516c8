"""The DOFA family (arXiv 2403.15356)."""

from typing import Any

from isthmus.bands import WAVELENGTHS
from isthmus.registry.entry import Entry


def _dofa(name: str, parameters: int, doc: str, patch_size: int = 16, **published: Any) -> Entry:
    """An encoder of the DOFA family; the bands are all those whose wavelength it can look up."""
    facts = {
        "family": "dofa",
        "doc": doc,
        "parameters": parameters,
        "bands": list(WAVELENGTHS),
        "wavelengths": list(WAVELENGTHS.values()),
        "patch_size": patch_size,
        "image_size": 224,
        **published,
    }
    return Entry(name, "isthmus.models.backbones.dofa:dofa", {"variant": name}, facts)


_HUB: dict[str, Any] = {"source": "torchgeo/dofa", "revision": "b8db318b64a90b9e085ec04ba8851233c5893666"}
_SENSORS = ["Sentinel-1", "Sentinel-2", "Gaofen-2", "NAIP", "EnMAP"]

ENTRIES: tuple[Entry, ...] = (
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
        patch_size=14,
    ),
)
