"""The Prithvi-Swin family: its members, with their sizes."""

from isthmus.bands import WAVELENGTHS
from isthmus.models.backbones.prithvi.catalog import HLS_BANDS
from isthmus.models.layers.swin_sizes import SwinSizes
from isthmus.registry.families import BackboneFacts, FamilyEntry

PATCH = 4
VARIANTS = {
    "prithvi_swin_B": SwinSizes(128, (2, 2, 18, 2), (4, 8, 16, 32)),
    "prithvi_swin_L": SwinSizes(192, (2, 2, 18, 2), (6, 12, 24, 48)),
}


def _prithvi_swin(name: str, parameters: int, doc: str) -> FamilyEntry:
    facts = BackboneFacts(
        family="prithvi_swin",
        doc=doc,
        parameters=parameters,
        bands=HLS_BANDS,
        wavelengths=tuple(WAVELENGTHS[band] for band in HLS_BANDS),
        sensors=("HLS",),
        patch_size=PATCH,
        image_size=224,
    )
    return FamilyEntry(name, "isthmus.models.backbones.prithvi_swin.family:PrithviSwin", {"variant": name}, facts=facts)


ENTRIES = (
    _prithvi_swin("prithvi_swin_B", 86_751_160, "Swin-B of the Prithvi family; weights come from a local file"),
    _prithvi_swin("prithvi_swin_L", 195_007_380, "Swin-L of the Prithvi family; weights come from a local file"),
)
