"""The image tokenizers of TerraMind (arXiv 2504.11171): what they take, and what their codes are."""

from dataclasses import dataclass
from typing import Any

from isthmus.models.backbones.terramind.catalog import HUB, MEANS, OPTICAL, STDS
from isthmus.models.backbones.terramind.modalities import LULC_CLASSES, S2L2A_BANDS
from isthmus.registry.families import BackboneFacts, FamilyEntry

PIXEL_LEVELS = (8, 8, 8, 6, 5)
CLASS_LEVELS = (7, 5, 5, 5, 5)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a tokenizer takes, and into how many levels each channel of its codes is quantised.

    Its decoder is a transformer, which can be built, or a diffusion model, which cannot.
    """

    bands: tuple[str | int, ...]
    levels: tuple[int, ...] = PIXEL_LEVELS
    has_transformer_decoder: bool = False


VARIANTS = {
    "terramind_v1_tokenizer_s2l2a": Tokens(S2L2A_BANDS),
    "terramind_v1_tokenizer_s1grd": Tokens(("VV", "VH")),
    "terramind_v1_tokenizer_s1rtc": Tokens(("VV", "VH")),
    "terramind_v1_tokenizer_dem": Tokens(("DEM",)),
    "terramind_v1_tokenizer_ndvi": Tokens(("NDVI",)),
    "terramind_v1_tokenizer_lulc": Tokens(LULC_CLASSES, CLASS_LEVELS, has_transformer_decoder=True),
}


def _tokenizer(modality: str, parameters: int, images: str, **taken: Any) -> FamilyEntry:
    name = f"terramind_v1_tokenizer_{modality.lower()}"
    facts = BackboneFacts(
        family="terramind_tokenizer",
        doc=f"Tokenizer of TerraMind, ViT-B, {images}",
        parameters=parameters,
        means=MEANS.get(modality),
        stds=STDS.get(modality),
        patch_size=16,
        image_size=256,
        license="apache-2.0",
        weights=f"{HUB}Tokenizer-{modality}",
        file=f"TerraMind_Tokenizer_{modality}.pt",
        **taken,
    )
    family = "isthmus.models.backbones.terramind_tokenizer.family:TerraMindTokenizer"
    return FamilyEntry(name, family, {"variant": name}, facts=facts)


_RADAR: dict[str, Any] = {"bands": ("VV", "VH"), "sensors": ("Sentinel-1",)}

ENTRIES = (
    _tokenizer("S2L2A", 92_142_341, "Sentinel-2 L2A", sensors=("Sentinel-2",), **OPTICAL),
    _tokenizer("S1GRD", 90_176_261, "Sentinel-1 GRD", **_RADAR),
    _tokenizer("S1RTC", 90_176_261, "Sentinel-1 RTC", **_RADAR),
    _tokenizer("DEM", 89_979_653, "elevation", bands=("DEM",)),
    _tokenizer("NDVI", 89_979_653, "NDVI", bands=("NDVI",)),
    _tokenizer("LULC", 91_749_125, "land use and land cover, ten classes one-hot"),
)
