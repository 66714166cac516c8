"""ResNets with weights for Landsat and the Sentinels, as TorchGeo publishes them."""

from typing import Any

from isthmus.models.backbones.torchgeo_weights import (
    PRODUCTS,
    SATLAS,
    SSL4EO_L,
    Repository,
    normalisation,
)
from isthmus.registry.families import BackboneFacts, FamilyEntry

_PARAMETERS = {18: 11_167_104, 50: 23_498_624, 152: 58_134_400}  # without the first layer
_FIRST_LAYER = 64 * 7 * 7

_EIGHT_BIT: dict[str, list[float]] = {"means": [0.0], "stds": [255.0]}
_REFLECTANCE: dict[str, list[float]] = {"means": [0.0], "stds": [10000.0]}
_DECIBELS: dict[str, list[float]] = {"means": [-12.59, -20.26], "stds": [5.26, 5.91]}
_IMAGENET: dict[str, list[float]] = {"means": [123.675, 116.28, 103.53], "stds": [58.395, 57.12, 57.375]}
_SENTINEL2: dict[str, list[float]] = {
    "means": [1612.9, 1397.6, 1322.3, 1373.1, 1561.0, 2108.4, 2390.7, 2318.7, 2581.0, 837.7, 22.0, 2195.2, 1537.4],
    "stds": [791.0, 854.3, 878.7, 1144.9, 1127.5, 1164.2, 1276.0, 1249.5, 1345.9, 577.5, 47.5, 1340.0, 1142.9],
}
_SATLAS_MS: dict[str, list[float]] = {"means": [0.0], "stds": [255.0] * 3 + [8160.0] * 6}


def _resnet(
    name: str,
    depth: int,
    product: str,
    doc: str,
    published: dict[str, Any],
    statistics: dict[str, list[float]] | None,
) -> FamilyEntry:
    """One backbone. `statistics` are those of the pretraining, where they are certain."""
    images = PRODUCTS[product]
    count = len(images.bands)
    facts = BackboneFacts(
        family="torchgeo_resnet",
        doc=f"ResNet-{depth}, {doc}",
        parameters=_PARAMETERS[depth] + _FIRST_LAYER * count,
        **images.facts(),
        **(normalisation(**statistics, count=count) if statistics else {}),
        **published,
    )
    target = "isthmus.models.backbones.torchgeo_resnet.family:TorchGeoResNet"
    return FamilyEntry(name, target, {"variant": name, "depth": depth}, facts=facts)


# depth, product and method, start of the SHA-256
_LANDSAT = """
    18 landsat_tm_toa_moco 1c691b4f
    18 landsat_tm_toa_simclr d2d38ace
    18 landsat_etm_toa_moco bb88689c
    18 landsat_etm_toa_simclr 4d813f79
    18 landsat_etm_sr_moco 4f078acd
    18 landsat_etm_sr_simclr 8e8543b4
    18 landsat_oli_tirs_toa_moco a3002f51
    18 landsat_oli_tirs_toa_simclr b0635cc6
    18 landsat_oli_sr_moco 660e82ed
    18 landsat_oli_sr_simclr 7bced5be
    50 landsat_tm_toa_moco ba1ce753
    50 landsat_tm_toa_simclr a1c93432
    50 landsat_etm_toa_moco e9a84d5a
    50 landsat_etm_toa_simclr 70b5575f
    50 landsat_etm_sr_moco 1266cde3
    50 landsat_etm_sr_simclr e5d185d7
    50 landsat_oli_tirs_toa_moco de7f5e0f
    50 landsat_oli_tirs_toa_simclr 030cebfe
    50 landsat_oli_sr_moco ff580dad
    50 landsat_oli_sr_simclr 94f78913
"""


def _landsat(depth: str, weights: str, digest: str) -> FamilyEntry:
    product, _, method = weights.rpartition("_")
    return _resnet(
        f"ssl4eol_resnet{depth}_{weights}",
        int(depth),
        product,
        f"SSL4EO-L, {method}",
        SSL4EO_L.facts(f"resnet{depth}_{weights}-{digest}.pth"),
        _EIGHT_BIT,
    )


# name, depth, product, what made it, repository, commit, file, statistics
_SENTINEL: tuple[tuple[str, int, str, str, str, str, str, dict[str, list[float]] | None], ...] = (
    (
        "ssl4eos12_resnet18_sentinel2_all_moco",
        18,
        "sentinel2_all",
        "SSL4EO-S12, moco",
        "torchgeo/resnet18_sentinel2_all_moco",
        "5b8cddc9a14f3844350b7f40b85bcd32aed75918",
        "resnet18_sentinel2_all_moco-59bfdff9.pth",
        _REFLECTANCE,
    ),
    (
        "ssl4eos12_resnet18_sentinel2_rgb_moco",
        18,
        "sentinel2_rgb",
        "SSL4EO-S12, moco",
        "torchgeo/resnet18_sentinel2_rgb_moco",
        "e1c032e7785fd0625224cdb6699aa138bb304eec",
        "resnet18_sentinel2_rgb_moco-e3a335e3.pth",
        _REFLECTANCE,
    ),
    (
        "ssl4eos12_resnet50_sentinel1_all_decur",
        50,
        "sentinel1",
        "SSL4EO-S12, decur",
        "torchgeo/decur",
        "9328eeb90c686a88b30f8526ed757b4bc0f12027",
        "rn50_ssl4eo-s12_sar_decur_ep100-f0e69ba2.pth",
        _DECIBELS,
    ),
    (
        "ssl4eos12_resnet50_sentinel1_all_moco",
        50,
        "sentinel1",
        "SSL4EO-S12, moco",
        "torchgeo/resnet50_sentinel1_all_moco",
        "e79862c667853c10a709bdd77ea8ffbad0e0f1cf",
        "resnet50_sentinel1_all_moco-906e4356.pth",
        _DECIBELS,
    ),
    (
        "ssl4eos12_resnet50_sentinel2_all_decur",
        50,
        "sentinel2_all",
        "SSL4EO-S12, decur",
        "torchgeo/decur",
        "eba7ae5945d482a4319be046d34b552db5dd9950",
        "rn50_ssl4eo-s12_ms_decur_ep100-fc6b09ff.pth",
        _REFLECTANCE,
    ),
    (
        "ssl4eos12_resnet50_sentinel2_all_dino",
        50,
        "sentinel2_all",
        "SSL4EO-S12, dino",
        "torchgeo/resnet50_sentinel2_all_dino",
        "d7f14bf5530d70ac69d763e58e77e44dbecfec7c",
        "resnet50_sentinel2_all_dino-d6c330e9.pth",
        _REFLECTANCE,
    ),
    (
        "ssl4eos12_resnet50_sentinel2_all_moco",
        50,
        "sentinel2_all",
        "SSL4EO-S12, moco",
        "torchgeo/resnet50_sentinel2_all_moco",
        "da4f3c9dbe09272eb902f3b37f46635fa4726879",
        "resnet50_sentinel2_all_moco-df8b932e.pth",
        _REFLECTANCE,
    ),
    (
        "ssl4eos12_resnet50_sentinel2_all_softcon",
        50,
        "sentinel2_all",
        "SSL4EO-S12, softcon",
        "wangyi111/softcon",
        "62ff465b2e7467dbfc70758ec1e9d08ab87fc46b",
        "B13_rn50_softcon.pth",
        _SENTINEL2,
    ),
    (
        "ssl4eos12_resnet50_sentinel2_rgb_moco",
        50,
        "sentinel2_rgb",
        "SSL4EO-S12, moco",
        "torchgeo/resnet50_sentinel2_rgb_moco",
        "efd9723b59a88e9dc1420dc1e96afb25b0630a3c",
        "resnet50_sentinel2_rgb_moco-2b57ba8b.pth",
        _REFLECTANCE,
    ),
    (
        "seco_resnet18_sentinel2_rgb_seco",
        18,
        "sentinel2_rgb",
        "SeCo",
        "torchgeo/resnet18_sentinel2_rgb_seco",
        "f8dcee692cf7142163b55a5c197d981fe0e717a0",
        "resnet18_sentinel2_rgb_seco-cefca942.pth",
        None,
    ),
    (
        "seco_resnet50_sentinel2_rgb_seco",
        50,
        "sentinel2_rgb",
        "SeCo",
        "torchgeo/resnet50_sentinel2_rgb_seco",
        "fbd07b02a8edb8fc1035f7957160deed4321c145",
        "resnet50_sentinel2_rgb_seco-018bf397.pth",
        None,
    ),
    (
        "fmow_resnet50_fmow_rgb_gassl",
        50,
        "fmow",
        "GASSL on fMoW",
        "torchgeo/resnet50_fmow_rgb_gassl",
        "fe8a91026cf9104f1e884316b8e8772d7af9052c",
        "resnet50_fmow_rgb_gassl-da43d987.pth",
        _IMAGENET,
    ),
)

# name, start of the SHA-256
_SATLAS = """
    satlas_resnet50_sentinel2_mi_ms_satlas da5413d2
    satlas_resnet50_sentinel2_mi_rgb_satlas e79bb7fe
    satlas_resnet50_sentinel2_si_ms_satlas 1f454cc6
    satlas_resnet50_sentinel2_si_rgb_satlas 45fc6972
    satlas_resnet152_sentinel2_mi_ms fd35b4bb
    satlas_resnet152_sentinel2_mi_rgb 67563ac5
    satlas_resnet152_sentinel2_si_ms_satlas 4500c6cb
    satlas_resnet152_sentinel2_si_rgb_satlas f4d24c3c
"""


def _satlas(name: str, digest: str) -> FamilyEntry:
    _, network, _, images, bands = name.split("_")[:5]
    return _resnet(
        name,
        int(network.removeprefix("resnet")),
        "satlas_sentinel2_ms" if bands == "ms" else "sentinel2_rgb",
        f"SatlasPretrain, {'single images' if images == 'si' else 'several images of a place'}",
        SATLAS.facts(f"sentinel2_{network}_{images}_{bands}-{digest}.pth"),
        _SATLAS_MS if bands == "ms" else _EIGHT_BIT,
    )


ENTRIES = (
    *(_landsat(*row.split()) for row in _LANDSAT.strip().splitlines()),
    *(
        _resnet(name, depth, product, doc, Repository(source, revision).facts(file), statistics)
        for name, depth, product, doc, source, revision, file, statistics in _SENTINEL
    ),
    *(_satlas(*row.split()) for row in _SATLAS.strip().splitlines()),
)
