"""The published variants of Prithvi-EO, built by name, with their weights.

The networks are in `prithvi_vit` and `prithvi_vit_adapter`; what is known about each variant (repository, bands,
statistics) is in the catalog of backbones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from isthmus.errors import ArgumentError
from isthmus.models.backbones.arguments import image_bands, pair
from isthmus.models.backbones.prithvi_trunk import COORDINATES, PrithviConfig
from isthmus.models.backbones.prithvi_vit import PrithviViT
from isthmus.models.backbones.prithvi_vit_adapter import PrithviViTAdapter
from isthmus.models.backbones.prompts import prompts_for
from isthmus.models.backbones.vit_sizes import VitSizes
from isthmus.weights.adapter import Adapter
from isthmus.weights.building import build_with_weights

PRETRAINED_BANDS = ("BLUE", "GREEN", "RED", "NIR_NARROW", "SWIR_1", "SWIR_2")
PUBLISHED = Adapter(
    "patch_embed.proj.weight",
    first_layer="patch_embed.proj.weight",
    computed=("pos_embed",),
    added=("vpt_prompt_embeddings.",),
)
ADAPTED = replace(
    PUBLISHED,
    renames={"level_embed": "spm.level_embed"},
    added=(*PUBLISHED.added, *PrithviViTAdapter.added),
)


@dataclass(frozen=True, slots=True)
class Architecture(VitSizes):
    """The sizes of a variant, and whether it takes coordinates."""

    coordinates: bool = False


VARIANTS = {
    "prithvi_eo_tiny": Architecture(256, 4, 4),
    "prithvi_eo_v1_100": Architecture(768, 12, 12),
    "prithvi_eo_v2_tiny_tl": Architecture(192, 12, 3, coordinates=True),
    "prithvi_eo_v2_100_tl": Architecture(768, 12, 12, coordinates=True),
    "prithvi_eo_v2_300": Architecture(1024, 24, 16),
    "prithvi_eo_v2_300_tl": Architecture(1024, 24, 16, coordinates=True),
    "prithvi_eo_v2_600": Architecture(1280, 32, 16, patch_size=14),
    "prithvi_eo_v2_600_tl": Architecture(1280, 32, 16, patch_size=14, coordinates=True),
}


def prithvi(
    variant: str,
    pretrained: bool = False,
    ckpt_path: str | Path | None = None,
    bands: Sequence[str | int | Sequence[int]] | None = None,
    in_chans: int | None = None,
    num_frames: int = 1,
    img_size: int | Sequence[int] = 224,
    patch_size: int | Sequence[int] | None = None,
    embed_dim: int | None = None,
    depth: int | None = None,
    num_heads: int | None = None,
    mlp_ratio: float = 4.0,
    coords_encoding: Sequence[str] | None = None,
    coords_scale_learn: bool | None = None,
    out_indices: Sequence[int] | None = None,
    drop_path: float = 0.0,
    vpt: bool = False,
    vpt_n_tokens: int | None = None,
    vpt_dropout: float = 0.0,
    vit_adapter: bool = False,
    pretrained_bands: Sequence[str | int | Sequence[int]] = PRETRAINED_BANDS,
    new_bands: str | None = None,
    allow_missing_weights: bool = False,
) -> PrithviViT | PrithviViTAdapter:
    """Build an encoder of the Prithvi-EO family.

    Args:
        variant: the name of the variant, such as `prithvi_eo_v2_300_tl`.
        pretrained: load the published weights, from the Hub or its cache.
        ckpt_path: load the weights in this file instead; it is read whether or not `pretrained` is set.
        bands: the bands of the images, in order; the six that the weights were made for by default.
        in_chans: the number of bands, where they have no names.
        num_frames: the images of a time series.
        img_size: height and width of the images, or one number for both.
        patch_size: time steps, height and width of a patch, or one number for height and width.
        embed_dim: the size of a token, where it is not to be that of the variant.
        depth: the number of blocks, likewise.
        num_heads: the number of attention heads, likewise.
        mlp_ratio: the hidden size of the feed-forward networks, in multiples of `embed_dim`.
        coords_encoding: "time" and "location", or either, or nothing; as in the variant by default.
        coords_scale_learn: whether the strength of these encodings is learned; as in the variant by default.
        out_indices: the blocks whose output is returned; every block by default. With `vit_adapter` the four blocks
            behind which tokens and maps exchange what they know; by default those that end the quarters.
        drop_path: the rate of stochastic depth of the last block.
        vpt: tune visual prompts (arXiv 2203.12119): learned tokens in every block, which stay trainable where the
            encoder is frozen.
        vpt_n_tokens: how many prompts a block has.
        vpt_dropout: the dropout of the prompts.
        vit_adapter: put a ViT-Adapter (arXiv 2205.08534) around the encoder, for dense predictions. It then gives four
            maps at strides 4, 8, 16 and 32 instead of tokens, and takes single images.
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
    config = configured(
        variant,
        bands=bands,
        in_chans=in_chans,
        num_frames=num_frames,
        img_size=img_size,
        patch_size=patch_size,
        embed_dim=embed_dim,
        depth=depth,
        num_heads=num_heads,
        mlp_ratio=mlp_ratio,
        coords_encoding=coords_encoding,
        coords_scale_learn=coords_scale_learn,
        drop_path=drop_path,
    )

    def construct() -> PrithviViT | PrithviViTAdapter:
        prompts = prompts_for(
            config.depth,
            config.embed_dim,
            config.patch_size[1:],
            vpt=vpt,
            vpt_n_tokens=vpt_n_tokens,
            vpt_dropout=vpt_dropout,
        )
        return (PrithviViTAdapter if vit_adapter else PrithviViT)(config, out_indices, prompts)

    return build_with_weights(
        construct,
        ADAPTED if vit_adapter else PUBLISHED,
        variant,
        pretrained=pretrained,
        ckpt_path=ckpt_path,
        bands=config.bands,
        pretrained_bands=pretrained_bands,
        new_bands=new_bands,
        allow_missing=allow_missing_weights,
    )


def configured(
    variant: str,
    *,
    bands: Sequence[str | int | Sequence[int]] | None,
    in_chans: int | None,
    num_frames: int,
    img_size: int | Sequence[int],
    patch_size: int | Sequence[int] | None,
    embed_dim: int | None,
    depth: int | None,
    num_heads: int | None,
    mlp_ratio: float,
    coords_encoding: Sequence[str] | None,
    coords_scale_learn: bool | None,
    drop_path: float,
) -> PrithviConfig:
    """The sizes of a variant, with those that `prithvi` is given in the place of its own.

    Raises:
        ArgumentError: arguments that contradict each other or have no valid value.
    """
    sizes = VARIANTS[variant]
    return PrithviConfig(
        bands=image_bands(bands, in_chans, PRETRAINED_BANDS),
        num_frames=num_frames,
        img_size=pair(img_size, "img_size"),
        patch_size=_patch(sizes.patch_size if patch_size is None else patch_size),
        embed_dim=sizes.embed_dim if embed_dim is None else embed_dim,
        depth=sizes.depth if depth is None else depth,
        num_heads=sizes.num_heads if num_heads is None else num_heads,
        mlp_ratio=mlp_ratio,
        coords_encoding=(COORDINATES if sizes.coordinates else ()) if coords_encoding is None else coords_encoding,
        coords_scale_learn=sizes.coordinates if coords_scale_learn is None else coords_scale_learn,
        drop_path=drop_path,
    )


def _patch(size: int | Sequence[int]) -> tuple[int, int, int]:
    if isinstance(size, int):
        return 1, size, size
    if len(size) != 3:
        raise ArgumentError(f"patch_size is {list(size)}: one number, or time, height and width, were expected")
    return size[0], size[1], size[2]
