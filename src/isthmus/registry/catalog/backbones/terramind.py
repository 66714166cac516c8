"""The TerraMind family (arXiv 2504.11171): encoders of many modalities, and the tokenizers of images."""

from typing import Any

from isthmus.bands import WAVELENGTHS
from isthmus.registry.entry import Entry

_S2L2A = [
    "COASTAL_AEROSOL",
    "BLUE",
    "GREEN",
    "RED",
    "RED_EDGE_1",
    "RED_EDGE_2",
    "RED_EDGE_3",
    "NIR_BROAD",
    "NIR_NARROW",
    "WATER_VAPOR",
    "SWIR_1",
    "SWIR_2",
]
_OPTICAL: dict[str, Any] = {
    "bands": _S2L2A,
    "wavelengths": [WAVELENGTHS[band] for band in _S2L2A],
}
_MODALITIES = ["S2L2A", "S2L1C", "RGB", "S1GRD", "S1RTC", "DEM", "LULC", "NDVI", "Caption", "Coords"]
_HUB = "ibm-esa-geospatial/TerraMind-1.0-"


def _terramind(name: str, parameters: int, doc: str, source: str, **certain: Any) -> Entry:
    """An encoder; parameters, bands and wavelengths are those of S2L2A, which it takes by default."""
    facts = {
        "family": "terramind",
        "doc": doc,
        "parameters": parameters,
        **_OPTICAL,
        "modalities": list(_MODALITIES),
        "sensors": ["Sentinel-2", "Sentinel-1"],
        "patch_size": 16,
        "image_size": 224,
        "source": source,
        "file": f"{name.replace('terramind', 'TerraMind')}.pt",
        **certain,
    }
    return Entry(name, "isthmus.models.backbones.terramind:terramind", {"variant": name}, facts)


def _tokenizer(modality: str, parameters: int, images: str, **taken: Any) -> Entry:
    name = f"terramind_v1_tokenizer_{modality.lower()}"
    facts = {
        "family": "terramind_tokenizer",
        "doc": f"Tokenizer of TerraMind, ViT-B, {images}",
        "parameters": parameters,
        **taken,
        "patch_size": 16,
        "image_size": 256,
        "license": "apache-2.0",
        "source": f"{_HUB}Tokenizer-{modality}",
        "file": f"TerraMind_Tokenizer_{modality}.pt",
    }
    return Entry(name, "isthmus.models.backbones.terramind_tokenizers:terramind_tokenizer", {"variant": name}, facts)


_OPEN = {"license": "apache-2.0"}
_RADAR: dict[str, Any] = {"bands": ["VV", "VH"], "sensors": ["Sentinel-1"]}

ENTRIES: tuple[Entry, ...] = (
    _terramind("terramind_v01_base", 87_313_920, "TerraMind 0.1, ViT-B", "FAST-EO/TerraMind-0.1-base"),
    _terramind("terramind_v1_tiny", 5_923_968, "TerraMind 1.0, ViT-Ti", _HUB + "tiny", **_OPEN),
    _terramind("terramind_v1_small", 22_464_768, "TerraMind 1.0, ViT-S", _HUB + "small", **_OPEN),
    _terramind("terramind_v1_base", 87_313_920, "TerraMind 1.0, ViT-B", _HUB + "base", **_OPEN),
    _terramind("terramind_v1_large", 305_137_664, "TerraMind 1.0, ViT-L", _HUB + "large", **_OPEN),
    _tokenizer("S2L2A", 92_142_341, "Sentinel-2 L2A", sensors=["Sentinel-2"], **_OPTICAL),
    _tokenizer("S1GRD", 90_176_261, "Sentinel-1 GRD", **_RADAR),
    _tokenizer("S1RTC", 90_176_261, "Sentinel-1 RTC", **_RADAR),
    _tokenizer("DEM", 89_979_653, "elevation", bands=["DEM"]),
    _tokenizer("NDVI", 89_979_653, "NDVI", bands=["NDVI"]),
    _tokenizer("LULC", 91_749_125, "land use and land cover, ten classes one-hot"),
)
