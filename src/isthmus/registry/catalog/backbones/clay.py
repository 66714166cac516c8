"""The Clay family (https://clay-foundation.github.io/model)."""

from typing import Any

from isthmus.registry.entry import Entry

_V1_SENSORS = ["Sentinel-2", "Sentinel-1", "Landsat", "NAIP", "LINZ"]


def _clay(name: str, parameters: int, doc: str, **published: Any) -> Entry:
    """An encoder of the Clay family; the bands are those that it takes unless others are asked for."""
    facts = {
        "family": "clay",
        "doc": doc,
        "parameters": parameters,
        "bands": ["BLUE", "GREEN", "RED", "NIR_BROAD", "SWIR_1", "SWIR_2"],
        "wavelengths": [0.493, 0.56, 0.665, 0.842, 1.61, 2.19],
        "patch_size": 8,
        "image_size": 256,
        **published,
    }
    return Entry(name, "isthmus.models.backbones.clay:clay", {"variant": name}, facts)


ENTRIES: tuple[Entry, ...] = (
    _clay(
        "clay_v1_base",
        92_102_144,
        "Clay v1, ViT-B, images of any bands with time, place and pixel size",
        sensors=_V1_SENSORS,
        source="made-with-clay/Clay-legacy",
        file="v1/clay-v1-base.ckpt",
    ),
    _clay("clay_v1_5_tiny", 4_030_592, "Clay v1.5, tiny, without published weights"),
    _clay("clay_v1_5_small", 10_957_568, "Clay v1.5, small, without published weights"),
    _clay("clay_v1_5_base", 92_102_144, "Clay v1.5, ViT-B, without published weights"),
    _clay(
        "clay_v1_5_large",
        311_442_944,
        "Clay v1.5, ViT-L, images of any bands with time, place and pixel size",
        sensors=[*_V1_SENSORS, "MODIS"],
        source="made-with-clay/Clay",
        file="v1.5/clay-v1.5.ckpt",
        license="apache-2.0",
        means=[1105.0, 1355.0, 1552.0, 2743.0, 2388.0, 1835.0],  # of Sentinel-2 L2A
        stds=[1809.0, 1757.0, 1888.0, 1742.0, 1470.0, 1379.0],
    ),
)
