"""The variants of SatMAE, built by name; their weights are read from a file.

The networks are in `sat_mae_vit`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from isthmus.errors import ArgumentError
from isthmus.models.backbones.sat_mae_vit import GroupedSatMAE, SatMAE, SatMAEConfig, TemporalSatMAE
from isthmus.models.layers.arguments import image_bands, pair
from isthmus.models.layers.prompts import prompts_for
from isthmus.models.layers.vit_sizes import VitSizes
from isthmus.weights.adapter import Adapter
from isthmus.weights.building import build_with_weights
from isthmus.weights.first_layer import FirstLayer

PRETRAINED_BANDS = ("RED", "GREEN", "BLUE")
CHANNEL_GROUPS = (
    ("BLUE", "GREEN", "RED", "NIR_BROAD"),
    ("RED_EDGE_1", "RED_EDGE_2", "RED_EDGE_3", "NIR_NARROW"),
    ("SWIR_1", "SWIR_2"),
)
SENTINEL_2_BANDS = (
    "BLUE",
    "GREEN",
    "RED",
    "RED_EDGE_1",
    "RED_EDGE_2",
    "RED_EDGE_3",
    "NIR_BROAD",
    "NIR_NARROW",
    "SWIR_1",
    "SWIR_2",
)
PUBLISHED = Adapter(
    "patch_embed.proj.weight",
    renames={"fc_norm.": None, "head.": None},  # of the classifier
    first_layer="patch_embed.proj.weight",
    positions={"pos_embed": 1},
    added=("vpt_prompt_embeddings.",),
)


@dataclass(frozen=True, slots=True)
class Architecture(VitSizes):
    """The sizes of a variant, and how many images a time series has."""

    num_frames: int | None = None


VARIANTS = {
    "satmae_base_patch16": Architecture(768, 12, 12),
    "satmae_large_patch16": Architecture(1024, 24, 16),
    "satmae_temporal_base_patch16": Architecture(768, 12, 12, num_frames=3),
    "satmae_temporal_large_patch16": Architecture(1024, 24, 16, num_frames=3),
    "satmae_sentinel2_base_patch8": Architecture(768, 12, 12, patch_size=8),
    "satmae_sentinel2_large_patch8": Architecture(1024, 24, 16, patch_size=8),
}


def sat_mae(
    variant: str,
    pretrained: bool = False,
    ckpt_path: str | Path | None = None,
    bands: Sequence[str | int | Sequence[int]] | None = None,
    in_chans: int | None = None,
    num_frames: int | None = None,
    img_size: int | Sequence[int] = 224,
    out_indices: Sequence[int] | None = None,
    drop_path: float = 0.0,
    vpt: bool = False,
    vpt_n_tokens: int | None = None,
    vpt_dropout: float = 0.0,
    pretrained_bands: Sequence[str | int | Sequence[int]] = PRETRAINED_BANDS,
    new_bands: str | None = None,
    allow_missing_weights: bool = False,
) -> SatMAE | TemporalSatMAE:
    """Build an encoder of SatMAE for single images or for time series.

    Args:
        variant: the name of the variant, such as `satmae_large_patch16`.
        pretrained: load published weights; there are none in the Hub, so that this is an error without `ckpt_path`.
        ckpt_path: load the weights in this file.
        bands: the bands of the images, in order; red, green and blue by default.
        in_chans: the number of bands, where they have no names.
        num_frames: the images of a time series, for a temporal variant; 3 by default.
        img_size: height and width of the images, or one number for both.
        out_indices: the blocks whose output is returned; every block by default.
        drop_path: the rate of stochastic depth of the last block.
        vpt: tune visual prompts (arXiv 2203.12119): learned tokens in every block, which stay trainable where the
            encoder is frozen.
        vpt_n_tokens: how many prompts a block has.
        vpt_dropout: the dropout of the prompts.
        pretrained_bands: the bands that the weights were made for.
        new_bands: what bands that the weights do not know start from: "mean", the mean over the bands that they know,
            or "random". By default "mean", and an error where the weights know none of the bands.
        allow_missing_weights: leave parameters that the weights do not have at random instead of refusing.

    Returns:
        The encoder. Its `weights_report` says what was loaded. On the `meta` device nothing is loaded.

    Raises:
        ArgumentError: arguments that contradict each other or have no valid value.
        WeightsError: the weights cannot be found, read or fitted.
    """
    native = VARIANTS[variant].num_frames
    if native is None and num_frames is not None:
        raise ArgumentError(f"num_frames is {num_frames}, but {variant} takes single images: leave it out")
    own_bands = image_bands(bands, in_chans, PRETRAINED_BANDS)
    config = _config(variant, own_bands, img_size, out_indices, drop_path)

    def construct() -> SatMAE | TemporalSatMAE:
        prompts = prompts_for(
            config.depth,
            config.embed_dim,
            (config.patch_size, config.patch_size),
            vpt=vpt,
            vpt_n_tokens=vpt_n_tokens,
            vpt_dropout=vpt_dropout,
        )
        if native is None:
            return SatMAE(config, prompts)
        return TemporalSatMAE(config, native if num_frames is None else num_frames, prompts)

    return build_with_weights(
        construct,
        PUBLISHED,
        variant,
        pretrained=pretrained,
        ckpt_path=ckpt_path,
        bands=own_bands,
        pretrained_bands=pretrained_bands,
        new_bands=new_bands,
        allow_missing=allow_missing_weights,
    )


def sat_mae_grouped(
    variant: str,
    pretrained: bool = False,
    ckpt_path: str | Path | None = None,
    bands: Sequence[str | int | Sequence[int]] | None = None,
    in_chans: int | None = None,
    channel_groups: Sequence[Sequence[str | int]] = CHANNEL_GROUPS,
    img_size: int | Sequence[int] = 96,
    out_indices: Sequence[int] | None = None,
    drop_path: float = 0.0,
    vpt: bool = False,
    vpt_n_tokens: int | None = None,
    vpt_dropout: float = 0.0,
    new_bands: str | None = None,
    allow_missing_weights: bool = False,
) -> GroupedSatMAE:
    """Build an encoder of SatMAE for multispectral images, whose bands are in groups.

    Args:
        variant: the name of the variant, such as `satmae_sentinel2_large_patch8`.
        pretrained: load published weights; there are none in the Hub, so that this is an error without `ckpt_path`.
        ckpt_path: load the weights in this file.
        bands: the bands of the images, in order; the ten of Sentinel-2 with 10 and 20 m pixels by default.
        in_chans: the number of bands, where they have no names.
        channel_groups: the groups of bands. To take a band that the weights do not know, put it into one of the three.
        img_size: height and width of the images, or one number for both.
        out_indices: the blocks whose output is returned; every block by default.
        drop_path: the rate of stochastic depth of the last block.
        vpt: tune visual prompts (arXiv 2203.12119): learned tokens in every block, which stay trainable where the
            encoder is frozen.
        vpt_n_tokens: how many prompts a block has.
        vpt_dropout: the dropout of the prompts.
        new_bands: what bands that the weights do not know start from: "mean", the mean over the bands of their group,
            or "random". By default "mean", and an error where the weights know none of the bands of a group.
        allow_missing_weights: leave parameters that the weights do not have at random instead of refusing.

    Returns:
        The encoder. Its `weights_report` says what was loaded. On the `meta` device nothing is loaded.

    Raises:
        ArgumentError: arguments that contradict each other or have no valid value, such as a band in no group.
        WeightsError: the weights cannot be found, read or fitted.
    """
    own_bands = image_bands(bands, in_chans, SENTINEL_2_BANDS)
    config = _config(variant, own_bands, img_size, out_indices, drop_path)
    first_layers = {
        f"patch_embed.{number}.proj.weight": FirstLayer([band for band in own_bands if band in group], known)
        for number, (group, known) in enumerate(zip(channel_groups, CHANNEL_GROUPS, strict=False))
        if any(band in group for band in own_bands)
    }

    def construct() -> GroupedSatMAE:
        prompts = prompts_for(
            config.depth,
            config.embed_dim,
            (config.patch_size, config.patch_size),
            vpt=vpt,
            vpt_n_tokens=vpt_n_tokens,
            vpt_dropout=vpt_dropout,
        )
        return GroupedSatMAE(config, channel_groups, prompts)

    return build_with_weights(
        construct,
        replace(PUBLISHED, anchor="patch_embed.0.proj.weight", first_layer=None, first_layers=first_layers),
        variant,
        pretrained=pretrained,
        ckpt_path=ckpt_path,
        new_bands=new_bands,
        allow_missing=allow_missing_weights,
    )


def _config(
    variant: str,
    bands: Sequence[str | int],
    img_size: int | Sequence[int],
    out_indices: Sequence[int] | None,
    drop_path: float,
) -> SatMAEConfig:
    sizes = VARIANTS[variant]
    return SatMAEConfig(
        bands,
        pair(img_size, "img_size"),
        sizes.patch_size,
        sizes.embed_dim,
        sizes.depth,
        sizes.num_heads,
        out_indices,
        drop_path,
    )
