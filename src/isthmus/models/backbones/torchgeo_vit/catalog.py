"""Small vision transformers with weights for Landsat and Sentinel-2, as TorchGeo publishes them."""

from typing import Any

from isthmus.models.backbones.torchgeo_weights import PRODUCTS, SSL4EO_L, Repository, normalisation
from isthmus.models.layers.vit_sizes import VitSizes
from isthmus.registry.families import BackboneFacts, FamilyEntry

SIZES = {"small": VitSizes(384, 12, 6)}
_PARAMETERS = 21_369_984  # without the weights of the first layer
_FIRST_LAYER = 384 * 16 * 16


def _vit(name: str, product: str, doc: str, published: dict[str, Any], std: float) -> FamilyEntry:
    images = PRODUCTS[product]
    facts = BackboneFacts(
        family="torchgeo_vit",
        doc=f"ViT-S, {doc}",
        parameters=_PARAMETERS + _FIRST_LAYER * len(images.bands),
        patch_size=SIZES["small"].patch_size,
        image_size=224,
        **images.facts(),
        **normalisation([0.0], [std], len(images.bands)),
        **published,
    )
    return FamilyEntry(name, "isthmus.models.backbones.torchgeo_vit.family:TorchGeoViT", {"variant": name}, facts=facts)


# product and method, start of the SHA-256
_LANDSAT = """
    landsat_tm_toa_moco a1c967d8
    landsat_tm_toa_simclr 7c2d9799
    landsat_etm_toa_moco 26d19bcf
    landsat_etm_toa_simclr 34fb12cb
    landsat_etm_sr_moco eaa4674e
    landsat_etm_sr_simclr a14c466a
    landsat_oli_tirs_toa_moco c7c2cceb
    landsat_oli_tirs_toa_simclr ad43e9a4
    landsat_oli_sr_moco c9b8898d
    landsat_oli_sr_simclr 4e8f6102
"""


def _landsat(weights: str, digest: str) -> FamilyEntry:
    product, _, method = weights.rpartition("_")
    return _vit(
        f"ssl4eol_vit_small_patch16_224_{weights}",
        product,
        f"SSL4EO-L, {method}",
        SSL4EO_L.facts(f"vits16_{weights}-{digest}.pth"),
        255.0,
    )


_HUB = "torchgeo/vit_small_patch16_224_sentinel2_all_"

ENTRIES = (
    *(_landsat(*row.split()) for row in _LANDSAT.strip().splitlines()),
    _vit(
        "ssl4eos12_vit_small_patch16_224_sentinel2_all_dino",
        "sentinel2_all",
        "SSL4EO-S12, dino",
        Repository(_HUB + "dino", "5b41dd418a79de47ac9f5be3e035405a83818a62").facts(
            "vit_small_patch16_224_sentinel2_all_dino-36bcc127.pth"
        ),
        10_000.0,
    ),
    _vit(
        "ssl4eos12_vit_small_patch16_224_sentinel2_all_moco",
        "sentinel2_all",
        "SSL4EO-S12, moco",
        Repository(_HUB + "moco", "1cb683f6c14739634cdfaaceb076529adf898c74").facts(
            "vit_small_patch16_224_sentinel2_all_moco-67c9032d.pth"
        ),
        10_000.0,
    ),
)
