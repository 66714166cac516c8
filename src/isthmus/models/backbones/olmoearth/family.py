"""How an encoder of OlmoEarth is built; its layers are those of the package `olmoearth-pretrain-minimal`."""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from isthmus.bands import expand_bands
from isthmus.errors import ArgumentError, MissingExtraError, did_you_mean
from isthmus.models.backbones.family import FeatureFamily
from isthmus.models.backbones.olmoearth.catalog import BAND_SETS, BANDS, LARGEST_PATCH, VARIANTS
from isthmus.models.backbones.olmoearth.network import MODALITY, OlmoEarthEncoder
from isthmus.weights.adapter import Adapter
from isthmus.weights.first_layer import FirstLayer

EMBEDDINGS = f"patch_embeddings.per_modality_embeddings.{MODALITY}.{MODALITY}__"


def without_training(checkpoint: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Without the decoder and the copy of the encoder that gives the targets, whose entries have the same names."""
    parts = {"decoder", "target_encoder"}
    return {key: tensor for key, tensor in checkpoint.items() if parts.isdisjoint(key.split("."))}


@dataclass(frozen=True, kw_only=True)
class OlmoEarth(FeatureFamily):
    """The OlmoEarth family. It needs the package `olmoearth-pretrain-minimal`.

    Args:
        bands: the bands of the images, in order: any of the twelve of Sentinel-2, level 2A; all of them by default.
        patch_size: of a patch, in pixels, 1 to 8. Images are resized so that a patch of theirs is one of 8 pixels.
        gsd: the size of a pixel on the ground in metres.
        drop_path: the rate of stochastic depth of every block.
        pretrained_bands: the bands that the weights were made for, all twelve of the published ones.
    """

    bands: Sequence[str | int | Sequence[int]] | None = None
    patch_size: int = LARGEST_PATCH
    gsd: float = 10.0
    drop_path: float = 0.0
    pretrained_bands: Sequence[str | int | Sequence[int]] = BANDS

    published = Adapter("composite_encodings.month_embed.weight", convert=without_training)

    def __post_init__(self) -> None:
        """Refuse what the model does not know, and then ask for the package."""
        check_bands(self.image_bands, "bands")
        check_bands(expand_bands(self.pretrained_bands), "pretrained_bands")
        if not 1 <= self.patch_size <= LARGEST_PATCH:
            raise ArgumentError(
                f"patch_size is {self.patch_size}: a number of pixels from 1 to {LARGEST_PATCH} was expected",
                argument="patch_size",
            )
        require_olmoearth()

    @property
    def image_bands(self) -> list[str | int]:
        """The bands of the images."""
        return expand_bands(BANDS if self.bands is None else self.bands)

    def network(self) -> OlmoEarthEncoder:
        """The network, at random."""
        sizes = VARIANTS[self.variant]
        return OlmoEarthEncoder(sizes, self.image_bands, self.patch_size, self.gsd, self.out_indices, self.drop_path)

    def adapter(self) -> Adapter:
        """What the published files look like beside the network: a first layer for each set of bands."""
        bands, known = self.image_bands, expand_bands(self.pretrained_bands)
        layers = {
            f"{EMBEDDINGS}{index}.proj.weight": FirstLayer(
                [band for band in band_set if band in bands], [band for band in band_set if band in known]
            )
            for index, band_set in enumerate(BAND_SETS)
            if not set(band_set).isdisjoint(bands)
        }
        return replace(super().adapter(), first_layers=layers)


def check_bands(bands: Sequence[str | int], argument: str) -> None:
    """Refuse bands that the model does not know, or that occur twice.

    Raises:
        ArgumentError: of that argument.
    """
    if not bands or len(set(bands)) < len(bands):
        raise ArgumentError(f"the bands are {bands}: one band or more, each once, were expected", argument=argument)
    for band in bands:
        if band not in BANDS:
            hint = did_you_mean(str(band), BANDS) or "."
            raise ArgumentError(
                f"OlmoEarth does not know the band {band!r}{hint} It knows: {', '.join(BANDS)}", argument=argument
            )


def require_olmoearth() -> None:
    """Import the package, which takes its time, outside of any device context: it makes tensors as it is imported.

    Raises:
        MissingExtraError: it is not installed.
    """
    if importlib.util.find_spec("olmoearth_pretrain_minimal") is None:
        raise MissingExtraError("olmoearth-pretrain-minimal", "olmoearth")
    with torch.device("cpu"):
        import olmoearth_pretrain_minimal  # noqa: F401
