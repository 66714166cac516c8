"""The TerraMind family (arXiv 2504.11171): its encoders, with their sizes."""

from dataclasses import dataclass
from typing import Any

from isthmus.bands import WAVELENGTHS
from isthmus.models.backbones.terramind.modalities import MODALITIES, S2L2A_BANDS
from isthmus.models.layers.vit_sizes import VitSizes
from isthmus.registry.families import BackboneFacts, FamilyEntry


@dataclass(frozen=True, slots=True)
class TerraMindSizes(VitSizes):
    """The sizes of a variant.

    Attributes:
        gated: whether the blocks have gated feed-forward networks and no biases.
    """

    gated: bool = False


VARIANTS = {
    "terramind_v01_base": TerraMindSizes(768, 12, 12, gated=True),
    "terramind_v1_tiny": TerraMindSizes(192, 12, 3),
    "terramind_v1_small": TerraMindSizes(384, 12, 6),
    "terramind_v1_base": TerraMindSizes(768, 12, 12, gated=True),
    "terramind_v1_large": TerraMindSizes(1024, 24, 16, gated=True),
}
# The means and standard deviations of the pretraining: of surface and top-of-atmosphere reflectances times 10,000, of
# bytes, of decibels and of metres. Land cover is classes, and captions and coordinates are words.
MEANS: dict[str, list[float]] = {
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
STDS: dict[str, list[float]] = {
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
OPTICAL: dict[str, Any] = {"bands": S2L2A_BANDS, "wavelengths": tuple(WAVELENGTHS[band] for band in S2L2A_BANDS)}
HUB = "ibm-esa-geospatial/TerraMind-1.0-"


def _terramind(name: str, parameters: int, doc: str, weights: str, **certain: Any) -> FamilyEntry:
    """An encoder; parameters, bands, wavelengths, means and stds are those of S2L2A, which it takes by default."""
    facts = BackboneFacts(
        family="terramind",
        doc=doc,
        parameters=parameters,
        modalities=tuple(modality.name for modality in MODALITIES),
        sensors=("Sentinel-2", "Sentinel-1"),
        patch_size=VARIANTS[name].patch_size,
        image_size=224,
        weights=weights,
        file=f"{name.replace('terramind', 'TerraMind')}.pt",
        **OPTICAL,
        **certain,
    )
    return FamilyEntry(name, "isthmus.models.backbones.terramind.family:TerraMind", {"variant": name}, facts=facts)


_OPEN: dict[str, Any] = {
    "license": "apache-2.0",
    "means": MEANS["S2L2A"],
    "stds": STDS["S2L2A"],
    "modality_means": MEANS,
    "modality_stds": STDS,
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

ENTRIES = (
    _terramind("terramind_v01_base", 87_313_920, "TerraMind 0.1, ViT-B", "FAST-EO/TerraMind-0.1-base", **_V01),
    _terramind("terramind_v1_tiny", 5_923_968, "TerraMind 1.0, ViT-Ti", HUB + "tiny", **_OPEN),
    _terramind("terramind_v1_small", 22_464_768, "TerraMind 1.0, ViT-S", HUB + "small", **_OPEN),
    _terramind("terramind_v1_base", 87_313_920, "TerraMind 1.0, ViT-B", HUB + "base", **_OPEN),
    _terramind("terramind_v1_large", 305_137_664, "TerraMind 1.0, ViT-L", HUB + "large", **_OPEN),
)
