"""The published variants of OlmoEarth v1 (arXiv 2511.13655), built by name, with their weights.

The network is in `olmoearth_network`; its layers are those of the package `olmoearth-pretrain-minimal`.
"""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from isthmus.bands import expand_bands
from isthmus.errors import ArgumentError, MissingExtraError, did_you_mean
from isthmus.models.backbones.olmoearth_network import (
    BAND_SETS,
    BANDS,
    LARGEST_PATCH,
    MODALITY,
    Architecture,
    OlmoEarth,
)
from isthmus.weights.adapter import Adapter
from isthmus.weights.building import build_with_weights
from isthmus.weights.first_layer import FirstLayer

EMBEDDINGS = f"patch_embeddings.per_modality_embeddings.{MODALITY}.{MODALITY}__"

VARIANTS = {
    "olmoearth_v1_nano": Architecture(128, 4, 8),
    "olmoearth_v1_tiny": Architecture(192, 12, 3),
    "olmoearth_v1_base": Architecture(768, 12, 12),
    "olmoearth_v1_large": Architecture(1024, 24, 16),
}


def olmoearth(
    variant: str,
    pretrained: bool = False,
    ckpt_path: str | Path | None = None,
    bands: Sequence[str | int | Sequence[int]] | None = None,
    patch_size: int = LARGEST_PATCH,
    gsd: float = 10.0,
    out_indices: Sequence[int] | None = None,
    drop_path: float = 0.0,
    pretrained_bands: Sequence[str | int | Sequence[int]] = BANDS,
    allow_missing_weights: bool = False,
) -> OlmoEarth:
    """Build an encoder of the OlmoEarth family.

    Args:
        variant: the name of the variant, such as `olmoearth_v1_nano`.
        pretrained: load the published weights, from the Hub or its cache.
        ckpt_path: load the weights in this file instead; it is read whether or not `pretrained` is set.
        bands: the bands of the images, in order: any of the twelve of Sentinel-2, level 2A; all of them by default.
        patch_size: of a patch, in pixels, 1 to 8. Images are resized so that a patch of theirs is one of 8 pixels.
        gsd: the size of a pixel on the ground in metres.
        out_indices: the blocks whose output is returned; every block by default.
        drop_path: the rate of stochastic depth of every block.
        pretrained_bands: the bands that the weights were made for, all twelve of the published ones.
        allow_missing_weights: leave parameters that the weights do not have at random instead of refusing.

    Returns:
        The encoder. Its `weights_report` says what was loaded. On the `meta` device nothing is loaded.

    Raises:
        ArgumentError: arguments that have no valid value, such as a band that the model does not know.
        MissingExtraError: the package `olmoearth-pretrain-minimal` is not installed.
        WeightsError: the weights cannot be found, read or fitted.
    """
    own_bands, known_bands = _known(BANDS if bands is None else bands), _known(pretrained_bands)
    if not 1 <= patch_size <= LARGEST_PATCH:
        raise ArgumentError(f"patch_size is {patch_size}: a number of pixels from 1 to {LARGEST_PATCH} was expected")
    require_olmoearth()
    layers = {
        f"{EMBEDDINGS}{index}.proj.weight": FirstLayer(
            [band for band in band_set if band in own_bands], [band for band in band_set if band in known_bands]
        )
        for index, band_set in enumerate(BAND_SETS)
        if not set(band_set).isdisjoint(own_bands)
    }
    return build_with_weights(
        lambda: OlmoEarth(VARIANTS[variant], own_bands, patch_size, gsd, out_indices, drop_path),
        Adapter("composite_encodings.month_embed.weight", first_layers=layers, convert=_without_training),
        variant,
        pretrained=pretrained,
        ckpt_path=ckpt_path,
        allow_missing=allow_missing_weights,
    )


def _without_training(checkpoint: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Without the decoder and the copy of the encoder that gives the targets, whose entries have the same names."""
    parts = {"decoder", "target_encoder"}
    return {key: tensor for key, tensor in checkpoint.items() if parts.isdisjoint(key.split("."))}


def _known(given: Sequence[str | int | Sequence[int]]) -> list[str]:
    bands = expand_bands(given)
    if not bands or len(set(bands)) < len(bands):
        raise ArgumentError(f"the bands are {bands}: one band or more, each once, were expected")
    for band in bands:
        if band not in BANDS:
            hint = did_you_mean(str(band), BANDS) or "."
            raise ArgumentError(f"OlmoEarth does not know the band {band!r}{hint} It knows: {', '.join(BANDS)}")
    return [str(band) for band in bands]


def require_olmoearth() -> None:
    """Import the package, which takes its time, outside of any device context: it makes tensors as it is imported.

    Raises:
        MissingExtraError: it is not installed.
    """
    if importlib.util.find_spec("olmoearth_pretrain_minimal") is None:
        raise MissingExtraError("olmoearth-pretrain-minimal", "olmoearth")
    with torch.device("cpu"):
        import olmoearth_pretrain_minimal  # noqa: F401
