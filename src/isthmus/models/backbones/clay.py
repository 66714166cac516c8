"""The variants of Clay v1 and v1.5, built by name, with their weights.

The network itself is in `clay_vit`; where the weights are is in the catalog of backbones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isthmus.bands import WAVELENGTHS
from isthmus.models.backbones.arguments import image_bands, pair
from isthmus.models.backbones.clay_vit import Clay
from isthmus.models.backbones.prompts import prompts_for
from isthmus.models.backbones.wavelength_embedding import wavelengths_of
from isthmus.weights.adapter import Adapter
from isthmus.weights.building import build_with_weights

DEFAULT_BANDS = ("BLUE", "GREEN", "RED", "NIR_BROAD", "SWIR_1", "SWIR_2")
PATCH_SIZE = 8

# What Clay was told about the bands in its pretraining, where it differs from the table of the vocabulary.
CLAY_WAVELENGTHS = WAVELENGTHS | {
    "BLUE": 0.493,
    "RED_EDGE_1": 0.704,
    "NIR_BROAD": 0.842,
    "NIR_NARROW": 0.865,
    "SWIR_2": 2.19,
    **{prefix + "VV": 3.5 for prefix in ("", "ASC_", "DSC_")},
    **{prefix + "VH": 4.0 for prefix in ("", "ASC_", "DSC_")},
}


@dataclass(frozen=True, slots=True)
class Architecture:
    """The sizes of a variant: of a token, in blocks, in heads, of the feed-forward networks."""

    embed_dim: int
    depth: int
    num_heads: int
    mlp_ratio: float


VARIANTS = {
    "clay_v1_base": Architecture(768, 12, 12, 4.0),
    "clay_v1_5_tiny": Architecture(192, 6, 4, 2.0),
    "clay_v1_5_small": Architecture(384, 6, 6, 2.0),
    "clay_v1_5_base": Architecture(768, 12, 12, 4.0),
    "clay_v1_5_large": Architecture(1024, 24, 16, 4.0),
}

_IN_A_BLOCK = {
    "0.norm.": "norm1.",
    "0.to_qkv.": "attn.qkv.",
    "0.to_out.": "attn.proj.",
    "1.net.0.": "norm2.",
    "1.net.1.": "mlp.fc1.",
    "1.net.3.": "mlp.fc2.",
}


def published(depth: int) -> Adapter:
    """How the published files of an encoder of so many blocks are laid out."""
    blocks = {
        f"transformer.layers.{index}.{theirs}": f"blocks.{index}.{ours}"
        for index in range(depth)
        for theirs, ours in _IN_A_BLOCK.items()
    }
    prompts = {"transformer.vpt_prompt_embeddings.": "vpt_prompt_embeddings."}
    return Adapter(
        "patch_embedding.weight_generator.weight_tokens",
        renames={"transformer.norm.": "norm.", **prompts, **blocks},
        added=("vpt_prompt_embeddings.",),
    )


def clay(
    variant: str,
    pretrained: bool = False,
    ckpt_path: str | Path | None = None,
    bands: Sequence[str | int | Sequence[int]] | None = None,
    in_chans: int | None = None,
    wavelengths: Sequence[float] | None = None,
    gsd: float = 1.0,
    img_size: int | Sequence[int] = 256,
    out_indices: Sequence[int] | None = None,
    drop_path: float = 0.0,
    vpt: bool = False,
    vpt_n_tokens: int | None = None,
    vpt_dropout: float = 0.0,
    allow_missing_weights: bool = False,
) -> Clay:
    """Build an encoder of the Clay family.

    Args:
        variant: the name of the variant, such as `clay_v1_base`.
        pretrained: load the published weights, from the Hub or its cache.
        ckpt_path: load the weights in this file instead; it is read whether or not `pretrained` is set.
        bands: the bands of the images, in order: any whose wavelength is known. Blue, green, red, near infrared and two
            of short-wave infrared by default.
        in_chans: the number of bands, where they have no names.
        wavelengths: the wavelength of each band in micrometres; by default those of the pretraining.
        gsd: the size of a pixel on the ground in metres, where a sample does not tell: 10 for Sentinel-2.
        img_size: height and width of the images, or one number for both.
        out_indices: the blocks whose output is returned; every block by default.
        drop_path: the rate of stochastic depth of the last block.
        vpt: tune visual prompts (arXiv 2203.12119): learned tokens in every block, which stay trainable where the
            encoder is frozen.
        vpt_n_tokens: how many prompts a block has.
        vpt_dropout: the dropout of the prompts.
        allow_missing_weights: leave parameters that the weights do not have at random instead of refusing.

    Returns:
        The encoder. Its `weights_report` says what was loaded. On the `meta` device nothing is loaded.

    Raises:
        ArgumentError: arguments that have no valid value, such as a band without a known wavelength.
        WeightsError: the weights cannot be found, read or fitted.
    """
    sizes = VARIANTS[variant]
    own_bands = image_bands(bands, in_chans, DEFAULT_BANDS)
    waves = wavelengths_of(own_bands, wavelengths, CLAY_WAVELENGTHS)

    def construct() -> Clay:
        patch = PATCH_SIZE, PATCH_SIZE
        return Clay(
            own_bands,
            waves,
            gsd,
            pair(img_size, "img_size"),
            PATCH_SIZE,
            sizes.embed_dim,
            sizes.depth,
            sizes.num_heads,
            sizes.mlp_ratio,
            out_indices=out_indices,
            drop_path=drop_path,
            prompts=prompts_for(
                sizes.depth, sizes.embed_dim, patch, vpt=vpt, vpt_n_tokens=vpt_n_tokens, vpt_dropout=vpt_dropout
            ),
        )

    return build_with_weights(
        construct,
        published(sizes.depth),
        variant,
        pretrained=pretrained,
        ckpt_path=ckpt_path,
        allow_missing=allow_missing_weights,
    )
