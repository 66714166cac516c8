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
# The means and standard deviations of the pretraining: of surface and top-of-atmosphere reflectances times 10,000, of
# bytes, of decibels and of metres. Land cover is classes, and captions and coordinates are words.
_MEANS: dict[str, list[float]] = {
    "S2L2A": [
        *(1390.458, 1503.317, 1718.197, 1853.91, 2199.1, 2779.975),
        *(2987.011, 3083.234, 3132.22, 3162.988, 2424.884, 1857.648),
    ],
    "S2L1C": [
        *(2357.089, 2137.385, 2018.788, 2082.986, 2295.651, 2854.537, 3122.849),
        *(3040.56, 3306.481, 1473.847, 506.07, 2472.825, 1838.929),
    ],
    "RGB": [87.271, 80.931, 66.667],
    "S1GRD": [-12.599, -20.293],
    "S1RTC": [-10.93, -17.329],
    "DEM": [670.665],
    "NDVI": [0.327],
}
_STDS: dict[str, list[float]] = {
    "S2L2A": [
        *(2106.761, 2141.107, 2038.973, 2134.138, 2085.321, 1889.926),
        *(1820.257, 1871.918, 1753.829, 1797.379, 1434.261, 1334.311),
    ],
    "S2L1C": [
        *(1624.683, 1675.806, 1557.708, 1833.702, 1823.738, 1733.977, 1732.131),
        *(1679.732, 1727.26, 1024.687, 442.165, 1331.411, 1160.419),
    ],
    "RGB": [58.767, 47.663, 42.631],
    "S1GRD": [5.195, 5.89],
    "S1RTC": [4.391, 4.459],
    "DEM": [951.272],
    "NDVI": [0.322],
}
_MODALITIES = ["S2L2A", "S2L1C", "RGB", "S1GRD", "S1RTC", "DEM", "LULC", "NDVI", "Caption", "Coords"]
_HUB = "ibm-esa-geospatial/TerraMind-1.0-"


def _terramind(name: str, parameters: int, doc: str, source: str, **certain: Any) -> Entry:
    """An encoder; parameters, bands, wavelengths, means and stds are those of S2L2A, which it takes by default."""
    facts = {
        "family": "terramind",
        "doc": doc,
        "parameters": parameters,
        **_OPTICAL,
        "modalities": list(_MODALITIES),
        "sensors": ["Sentinel-2", "Sentinel-1"],
        "patch_size": 16,
        "image_size": 224,
        "weights": source,
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
        **({"means": _MEANS[modality], "stds": _STDS[modality]} if modality in _MEANS else {}),
        "patch_size": 16,
        "image_size": 256,
        "license": "apache-2.0",
        "weights": f"{_HUB}Tokenizer-{modality}",
        "file": f"TerraMind_Tokenizer_{modality}.pt",
    }
    return Entry(name, "isthmus.models.backbones.terramind_tokenizers:terramind_tokenizer", {"variant": name}, facts)


_OPEN: dict[str, Any] = {
    "license": "apache-2.0",
    "means": _MEANS["S2L2A"],
    "stds": _STDS["S2L2A"],
    "modality_means": _MEANS,
    "modality_stds": _STDS,
}
_V01: dict[str, Any] = {
    "means": [
        *(794.311, 925.161, 1183.128, 1338.041, 1667.254, 2233.633),
        *(2460.96, 2555.569, 2619.542, 2703.298, 2406.497, 1841.645),
    ],
    "stds": [
        *(1164.883, 1205.586, 1223.713, 1399.638, 1403.298, 1378.513),
        *(1434.924, 1491.141, 1454.089, 1660.395, 1473.248, 1365.08),
    ],
}
_RADAR: dict[str, Any] = {"bands": ["VV", "VH"], "sensors": ["Sentinel-1"]}

ENTRIES: tuple[Entry, ...] = (
    _terramind("terramind_v01_base", 87_313_920, "TerraMind 0.1, ViT-B", "FAST-EO/TerraMind-0.1-base", **_V01),
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
