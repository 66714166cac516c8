"""The Swin transformers of SatlasPretrain, as TorchGeo publishes them."""

from dataclasses import dataclass

from isthmus.models.backbones.torchgeo_weights import PRODUCTS, SATLAS, normalisation
from isthmus.models.layers.swin_sizes import SwinSizes
from isthmus.registry.families import BackboneFacts, FamilyEntry

PATCH = 4


@dataclass(frozen=True, slots=True)
class SatlasSizes(SwinSizes):
    """The sizes of a Swin transformer.

    Attributes:
        drop_path: the rate of stochastic depth of the last block.
    """

    drop_path: float


SIZES = {
    "tiny": SatlasSizes(96, (2, 2, 6, 2), (3, 6, 12, 24), 0.2),
    "base": SatlasSizes(128, (2, 2, 18, 2), (4, 8, 16, 32), 0.5),
}

_PARAMETERS = {"tiny": 27_576_426, "base": 86_897_656}  # without the weights of the first layer
_EIGHT_BIT = [0.0], [255.0]
# the product, and the means and standard deviations of the pretraining
_IMAGES: dict[str, tuple[str, list[float], list[float]]] = {
    "sentinel2_ms": ("satlas_sentinel2_ms", [0.0], [255.0] * 3 + [8160.0] * 6),
    "sentinel2_rgb": ("sentinel2_rgb", *_EIGHT_BIT),
    "naip": ("naip", *_EIGHT_BIT),
    "landsat": ("landsat_oli_tirs_toa", [4000.0], [16320.0]),
    "sentinel1": ("satlas_sentinel1", *_EIGHT_BIT),
}


def _swin(name: str, size: str, images: str, file: str) -> FamilyEntry:
    product, means, stds = _IMAGES[images]
    bands = PRODUCTS[product].bands
    several = "_mi" in file
    facts = BackboneFacts(
        family="satlas_swin",
        doc=f"Swin v2 {size}, SatlasPretrain, {'several images of a place' if several else 'single images'}",
        parameters=_PARAMETERS[size] + SIZES[size].embed_dim * PATCH**2 * len(bands),
        patch_size=PATCH,
        **PRODUCTS[product].facts(),
        **normalisation(means, stds, len(bands)),
        **SATLAS.facts(file),
    )
    preset = {"variant": name, "size": size}
    return FamilyEntry(name, "isthmus.models.backbones.satlas_swin.family:SatlasSwin", preset, facts=facts)


ENTRIES = (
    _swin("satlas_swin_t_sentinel2_mi_ms", "tiny", "sentinel2_ms", "sentinel2_swint_mi_ms-d8c659e3.pth"),
    _swin("satlas_swin_t_sentinel2_mi_rgb", "tiny", "sentinel2_rgb", "sentinel2_swint_mi_rgb-424d91f4.pth"),
    _swin("satlas_swin_t_sentinel2_si_ms", "tiny", "sentinel2_ms", "sentinel2_swint_si_ms-bc68e396.pth"),
    _swin("satlas_swin_t_sentinel2_si_rgb", "tiny", "sentinel2_rgb", "sentinel2_swint_si_rgb-0c1a96e0.pth"),
    _swin("satlas_swin_b_sentinel2_mi_ms", "base", "sentinel2_ms", "sentinel2_swinb_mi_ms-39c86721.pth"),
    _swin("satlas_swin_b_sentinel2_mi_rgb", "base", "sentinel2_rgb", "sentinel2_swinb_mi_rgb-4efa210c.pth"),
    _swin("satlas_swin_b_sentinel2_si_ms", "base", "sentinel2_ms", "sentinel2_swinb_si_ms-fe22a12c.pth"),
    _swin("satlas_swin_b_sentinel2_si_rgb", "base", "sentinel2_rgb", "sentinel2_swinb_si_rgb-156a98d5.pth"),
    _swin("satlas_swin_b_naip_mi_rgb", "base", "naip", "aerial_swinb_mi-326d69e1.pth"),
    _swin("satlas_swin_b_naip_si_rgb", "base", "naip", "aerial_swinb_si-e4169eb1.pth"),
    _swin("satlas_swin_b_landsat_mi_ms", "base", "landsat", "landsat_swinb_mi-6b4a1cda.pth"),
    _swin("satlas_swin_b_landsat_si_ms", "base", "landsat", "landsat_swinb_si-4af978f6.pth"),
    # The name under which configurations ask for the one above; it has nothing to do with its bands.
    _swin("satlas_swin_b_landsat_mi_rgb", "base", "landsat", "landsat_swinb_si-4af978f6.pth"),
    _swin("satlas_swin_b_sentinel1_mi", "base", "sentinel1", "sentinel1_swinb_mi-f6c43d97.pth"),
    _swin("satlas_swin_b_sentinel1_si", "base", "sentinel1", "sentinel1_swinb_si-3981c153.pth"),
)
