"""The small vision transformers (arXiv 2010.11929) with weights for Landsat and Sentinel-2.

The weights are those of SSL4EO-L (arXiv 2306.09424) and SSL4EO-S12 (arXiv 2211.07044) as TorchGeo publishes them.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.models.backbones.image_vit import ImageViT
from isthmus.models.layers.arguments import image_bands, pair
from isthmus.models.layers.image_shape import check_image
from isthmus.models.layers.patch_embedding import PatchEmbedding
from isthmus.models.layers.prompts import DeepPrompts, prompts_for
from isthmus.models.layers.transformer import TransformerBlock, growing_rates, run_blocks
from isthmus.specs.features import FeatureSpec
from isthmus.weights.adapter import Adapter
from isthmus.weights.building import build_with_weights
from isthmus.weights.hub import bands_of

PUBLISHED = Adapter(
    "patch_embed.proj.weight",
    renames={"norm.": None, "head.": None},
    first_layer="patch_embed.proj.weight",
    positions={"pos_embed": 1},
    added=("vpt_prompt_embeddings.",),
)
CHANNELS, DEPTH, HEADS, PATCH = 384, 12, 6, 16


class SmallViT(ImageViT):
    """ViT-S/16 that gives the patches of its blocks as grids.

    Takes `(B, C, H, W)` of any size that is a multiple of 16: the position embeddings are interpolated to it. Gives,
    for each block in `out_indices`, the grid `(B, 384, H / 16, W / 16)` as it leaves the block, without the class token
    and without the normalisation that only the classifier saw.

    Args:
        bands: the bands of an image, in order: names, or integers where they have none.
        img_size: height and width of the images that the position embeddings are learned for.
        out_indices: the blocks whose output is returned, the last ones as negative numbers; every block by default.
        drop_path: the rate of stochastic depth of the last block; it grows linearly from zero at the first.
        prompts: what every block sees beside the tokens.

    Raises:
        ArgumentError: images smaller than a patch, or an index without a block.
    """

    def __init__(
        self,
        bands: Sequence[str | int],
        img_size: tuple[int, int],
        out_indices: Sequence[int] | None = None,
        drop_path: float = 0.0,
        prompts: DeepPrompts | None = None,
    ) -> None:
        super().__init__(bands, img_size, PATCH, CHANNELS, DEPTH, out_indices, prompts=prompts)
        nn.init.normal_(self.cls_token, std=1e-6)
        self.pos_embed = nn.Parameter(torch.empty(1, 1 + self.grid_size[0] * self.grid_size[1], CHANNELS))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        self.patch_embed = PatchEmbedding(self.in_channels, CHANNELS, PATCH)
        self.blocks = nn.ModuleList(
            TransformerBlock(CHANNELS, HEADS, drop_path=rate, norm_eps=1e-6) for rate in growing_rates(drop_path, DEPTH)
        )

    @property
    def feature_specs(self) -> list[FeatureSpec]:
        """Per returned feature, its layout."""
        return [FeatureSpec(CHANNELS, stride=(float(PATCH), float(PATCH))) for _ in self.out_indices]

    def forward(self, x: Float[Tensor, "*image"]) -> list[Float[Tensor, "batch channels grid_height grid_width"]]:
        """Encode a batch of images `(B, C, H, W)`.

        Raises:
            ShapeError: a tensor of another shape.
        """
        grid = check_image(x, self.bands, self.patch_size)
        cells = (self.patch_embed(x) + self._positions(grid)).flatten(1, 2)
        class_token = self.cls_token + self.pos_embed[:, :1]
        tokens = torch.cat([class_token.expand(len(x), -1, -1), cells], dim=1)
        features = run_blocks(self.blocks, nn.Identity(), tokens, self.out_indices, self.vpt_prompt_embeddings)
        return [feature[:, 1:].transpose(1, 2).unflatten(2, grid) for feature in features]

    def _positions(self, grid: tuple[int, int]) -> Float[Tensor, "1 grid_height grid_width channels"]:
        native: Tensor = self.pos_embed[:, 1:].unflatten(1, self.grid_size)
        if grid == self.grid_size:
            return native
        planes = native.permute(0, 3, 1, 2)
        return F.interpolate(planes, grid, mode="bicubic", antialias=True).permute(0, 2, 3, 1)


def torchgeo_vit(
    variant: str,
    pretrained: bool = False,
    ckpt_path: str | Path | None = None,
    model_bands: Sequence[str | int | Sequence[int]] | None = None,
    in_chans: int | None = None,
    img_size: int | Sequence[int] = 224,
    out_indices: Sequence[int] | None = None,
    drop_path: float = 0.0,
    vpt: bool = False,
    vpt_n_tokens: int | None = None,
    vpt_dropout: float = 0.0,
    pretrained_bands: Sequence[str | int | Sequence[int]] | None = None,
    new_bands: str | None = None,
    allow_missing_weights: bool = False,
) -> SmallViT:
    """Build a ViT-S/16 for satellite images.

    Args:
        variant: the name of the backbone, which says what its weights were made of.
        pretrained: load the published weights, from the Hub or its cache.
        ckpt_path: load the weights in this file instead; it is read whether or not `pretrained` is set.
        model_bands: the bands of the images, in order; those that the weights were made for by default.
        in_chans: the number of bands, where they have no names.
        img_size: height and width that the position embeddings are kept for, or one number for both. Images may have
            any other size.
        out_indices: the blocks whose output is returned; every block by default.
        drop_path: the rate of stochastic depth of the last block.
        vpt: tune visual prompts (arXiv 2203.12119): learned tokens in every block, which stay trainable where the
            encoder is frozen.
        vpt_n_tokens: how many prompts a block has.
        vpt_dropout: the dropout of the prompts.
        pretrained_bands: the bands that the weights were made for, where it is not those that are known.
        new_bands: what bands that the weights do not know start from: "mean", the mean over the bands that they know,
            or "random". By default "mean", and an error where the weights know none of the bands.
        allow_missing_weights: leave parameters that the weights do not have at random instead of refusing.

    Returns:
        The encoder. Its `weights_report` says what was loaded. On the `meta` device nothing is loaded.

    Raises:
        ArgumentError: arguments that contradict each other or have no valid value.
        WeightsError: the weights cannot be found, read or fitted.
    """
    bands = image_bands(model_bands, in_chans, bands_of(variant) or ())

    def construct() -> SmallViT:
        prompts = prompts_for(
            DEPTH, CHANNELS, (PATCH, PATCH), vpt=vpt, vpt_n_tokens=vpt_n_tokens, vpt_dropout=vpt_dropout
        )
        return SmallViT(bands, pair(img_size, "img_size"), out_indices, drop_path, prompts)

    return build_with_weights(
        construct,
        PUBLISHED,
        variant,
        pretrained=pretrained,
        ckpt_path=ckpt_path,
        bands=bands,
        pretrained_bands=pretrained_bands,
        new_bands=new_bands,
        allow_missing=allow_missing_weights,
    )
