"""The Prithvi-Swin family."""

from isthmus.bands import WAVELENGTHS
from isthmus.registry.catalog.backbones.prithvi import HLS_BANDS
from isthmus.registry.entry import Entry


def _prithvi_swin(name: str, parameters: int, doc: str) -> Entry:
    facts = {
        "family": "prithvi_swin",
        "doc": doc,
        "parameters": parameters,
        "bands": list(HLS_BANDS),
        "wavelengths": [WAVELENGTHS[band] for band in HLS_BANDS],
        "sensors": ["HLS"],
        "patch_size": 4,
        "image_size": 224,
    }
    return Entry(name, "isthmus.models.backbones.prithvi_swin:prithvi_swin", {"variant": name}, facts)


ENTRIES: tuple[Entry, ...] = (
    _prithvi_swin("prithvi_swin_B", 86_751_160, "Swin-B of the Prithvi family; weights come from a local file"),
    _prithvi_swin("prithvi_swin_L", 195_007_380, "Swin-L of the Prithvi family; weights come from a local file"),
)
