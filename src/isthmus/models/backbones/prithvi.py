"""The published variants of Prithvi-EO, built by name, with their weights.

The network itself is in `prithvi_vit`; what is known about each variant (repository, bands, statistics) is in the
catalog of backbones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isthmus.errors import ArgumentError
from isthmus.models.backbones.arguments import image_bands, pair
from isthmus.models.backbones.prithvi_vit import COORDINATES, PrithviViT
from isthmus.weights.adapter import Adapter
from isthmus.weights.building import build_with_weights

PRETRAINED_BANDS = ("BLUE", "GREEN", "RED", "NIR_NARROW", "SWIR_1", "SWIR_2")
PUBLISHED = Adapter("patch_embed.proj.weight", first_layer="patch_embed.proj.weight", computed=("pos_embed",))


@dataclass(frozen=True, slots=True)
class Architecture:
    """The sizes of a variant: of a token, in blocks, in heads, of a patch in pixels; whether it takes coordinates."""

    embed_dim: int
    depth: int
    num_heads: int
    patch_size: int = 16
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
    pretrained_bands: Sequence[str | int | Sequence[int]] = PRETRAINED_BANDS,
    new_bands: str | None = None,
    allow_missing_weights: bool = False,
) -> PrithviViT:
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
        out_indices: the blocks whose output is returned; every block by default.
        drop_path: the rate of stochastic depth of the last block.
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
    sizes = VARIANTS[variant]
    own_bands = image_bands(bands, in_chans, PRETRAINED_BANDS)

    def construct() -> PrithviViT:
        return PrithviViT(
            own_bands,
            num_frames,
            pair(img_size, "img_size"),
            _patch(sizes.patch_size if patch_size is None else patch_size),
            sizes.embed_dim if embed_dim is None else embed_dim,
            sizes.depth if depth is None else depth,
            sizes.num_heads if num_heads is None else num_heads,
            mlp_ratio,
            (COORDINATES if sizes.coordinates else ()) if coords_encoding is None else coords_encoding,
            coords_scale_learn=sizes.coordinates if coords_scale_learn is None else coords_scale_learn,
            out_indices=out_indices,
            drop_path=drop_path,
        )

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


def _patch(size: int | Sequence[int]) -> tuple[int, int, int]:
    if isinstance(size, int):
        return 1, size, size
    if len(size) != 3:
        raise ArgumentError(f"patch_size is {list(size)}: one number, or time, height and width, were expected")
    return size[0], size[1], size[2]
