"""The variants of Scale-MAE, built by name, with their weights.

The network itself is in `scale_mae_vit`; where the weights are is in the catalog of backbones.
"""

from collections.abc import Sequence
from pathlib import Path

from isthmus.models.backbones.scale_mae_vit import ScaleMAE
from isthmus.models.layers.arguments import image_bands, pair
from isthmus.models.layers.prompts import prompts_for
from isthmus.models.layers.vit_sizes import VitSizes
from isthmus.weights.adapter import Adapter
from isthmus.weights.building import build_with_weights

PRETRAINED_BANDS = ("RED", "GREEN", "BLUE")
PUBLISHED = Adapter(
    "patch_embed.proj.weight",
    # Positions are computed for each pixel size; norm and head are those of the classifier.
    renames={"pos_embed": None, "norm.": None, "fc_norm.": None, "head.": None},
    first_layer="patch_embed.proj.weight",
    added=("vpt_prompt_embeddings.",),
)


VARIANTS = {
    "scalemae_base_patch16": VitSizes(768, 12, 12),
    "scalemae_large_patch16": VitSizes(1024, 24, 16),
    "scalemae_huge_patch14": VitSizes(1280, 32, 16, patch_size=14),
}


def scale_mae(
    variant: str,
    pretrained: bool = False,
    ckpt_path: str | Path | None = None,
    bands: Sequence[str | int | Sequence[int]] | None = None,
    in_chans: int | None = None,
    input_res: float = 1.0,
    img_size: int | Sequence[int] = 224,
    out_indices: Sequence[int] | None = None,
    drop_path: float = 0.0,
    vpt: bool = False,
    vpt_n_tokens: int | None = None,
    vpt_dropout: float = 0.0,
    pretrained_bands: Sequence[str | int | Sequence[int]] = PRETRAINED_BANDS,
    new_bands: str | None = None,
    allow_missing_weights: bool = False,
) -> ScaleMAE:
    """Build an encoder of the Scale-MAE family.

    Args:
        variant: the name of the variant, such as `scalemae_large_patch16`.
        pretrained: load the published weights, from the Hub or its cache.
        ckpt_path: load the weights in this file instead; it is read whether or not `pretrained` is set.
        bands: the bands of the images, in order; red, green and blue by default.
        in_chans: the number of bands, where they have no names.
        input_res: the size of a pixel on the ground in metres, where a sample does not tell.
        img_size: height and width of the images, or one number for both.
        out_indices: the blocks whose output is returned; the last one alone by default.
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
    sizes = VARIANTS[variant]
    own_bands = image_bands(bands, in_chans, PRETRAINED_BANDS)

    def construct() -> ScaleMAE:
        prompts = prompts_for(
            sizes.depth,
            sizes.embed_dim,
            (sizes.patch_size, sizes.patch_size),
            vpt=vpt,
            vpt_n_tokens=vpt_n_tokens,
            vpt_dropout=vpt_dropout,
        )
        return ScaleMAE(
            own_bands,
            input_res,
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
        bands=own_bands,
        pretrained_bands=pretrained_bands,
        new_bands=new_bands,
        allow_missing=allow_missing_weights,
    )
