"""The variants of DOFA, built by name, with their weights.

The network itself is in `dofa_vit`; where the weights are is in the catalog of backbones.
"""

from collections.abc import Sequence
from pathlib import Path

from isthmus.bands import expand_bands
from isthmus.models.backbones.arguments import pair
from isthmus.models.backbones.dofa_vit import DOFA
from isthmus.models.backbones.prompts import prompts_for
from isthmus.models.backbones.vit_sizes import VitSizes
from isthmus.models.backbones.wavelength_embedding import wavelengths_of
from isthmus.weights.adapter import Adapter
from isthmus.weights.building import build_with_weights

PUBLISHED = Adapter(
    "patch_embed.weight_generator.weight_tokens",
    renames={
        "patch_embed.weight_generator.transformer_encoder.": "patch_embed.weight_generator.encoder.",
        "patch_embed.fclayer.w": "patch_embed.fclayer.l",
        "fc_norm.": None,  # of the classifier, as is the head
        "head.": None,
    },
    positions={"pos_embed": 1},
    added=("vpt_prompt_embeddings.",),
)


VARIANTS = {
    "dofa_small_patch16_224": VitSizes(384, 12, 6),
    "dofa_base_patch16_224": VitSizes(768, 12, 12),
    "dofa_large_patch16_224": VitSizes(1024, 24, 16),
    "dofa_huge_patch14_224": VitSizes(1280, 32, 16, patch_size=14),
}


def dofa(
    variant: str,
    model_bands: Sequence[str | int | Sequence[int]],
    pretrained: bool = False,
    ckpt_path: str | Path | None = None,
    wavelengths: Sequence[float] | None = None,
    img_size: int | Sequence[int] = 224,
    out_indices: Sequence[int] | None = None,
    drop_path: float = 0.0,
    vpt: bool = False,
    vpt_n_tokens: int | None = None,
    vpt_dropout: float = 0.0,
    allow_missing_weights: bool = False,
) -> DOFA:
    """Build an encoder of the DOFA family.

    Args:
        variant: the name of the variant, such as `dofa_base_patch16_224`.
        model_bands: the bands of the images, in order: any whose wavelength is known. What stands before a point in a
            name, as in `HLSBands.RED`, does not count.
        pretrained: load the published weights, from the Hub or its cache.
        ckpt_path: load the weights in this file instead; it is read whether or not `pretrained` is set.
        wavelengths: the wavelength of each band in micrometres; those in `isthmus.bands.WAVELENGTHS` by default.
        img_size: height and width of the images, or one number for both.
        out_indices: the blocks whose output is returned; the last one alone by default.
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
    bands = [band.rpartition(".")[2] if isinstance(band, str) else band for band in expand_bands(model_bands)]
    waves = wavelengths_of(bands, wavelengths)

    def construct() -> DOFA:
        prompts = prompts_for(
            sizes.depth,
            sizes.embed_dim,
            (sizes.patch_size, sizes.patch_size),
            vpt=vpt,
            vpt_n_tokens=vpt_n_tokens,
            vpt_dropout=vpt_dropout,
        )
        return DOFA(
            bands,
            waves,
            pair(img_size, "img_size"),
            sizes.patch_size,
            sizes.embed_dim,
            sizes.depth,
            sizes.num_heads,
            out_indices=(-1,) if out_indices is None else out_indices,
            drop_path=drop_path,
            prompts=prompts,
        )

    return build_with_weights(
        construct,
        PUBLISHED,
        variant,
        pretrained=pretrained,
        ckpt_path=ckpt_path,
        allow_missing=allow_missing_weights,
    )
