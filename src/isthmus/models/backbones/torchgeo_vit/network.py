"""The network of the small vision transformers with weights for Landsat and Sentinel-2."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.models.backbones.vision_transformer import VisionTransformer, VitConfig
from isthmus.models.layers.image_shape import check_image
from isthmus.models.layers.patch_embedding import PatchEmbedding
from isthmus.models.layers.transformer import run_blocks
from isthmus.specs.features import FeatureSpec


class SmallViT(VisionTransformer):
    """ViT-S/16 that gives the patches of its blocks as grids.

    Takes `(B, C, H, W)` of any size that is a multiple of 16: the position embeddings are interpolated to it. Gives,
    for each block in `out_indices`, the grid `(B, 384, H / 16, W / 16)` as it leaves the block, without the class token
    and without the normalisation that only the classifier saw.

    Args:
        config: the sizes.
    """

    def __init__(self, config: VitConfig) -> None:
        super().__init__(config)
        stride = (float(self.patch_size[0]), float(self.patch_size[1]))
        self.feature_specs = [FeatureSpec(self.embed_dim, stride=stride) for _ in self.out_indices]
        nn.init.normal_(self.cls_token, std=1e-6)
        self.pos_embed = nn.Parameter(torch.empty(1, 1 + self.grid_size[0] * self.grid_size[1], self.embed_dim))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        self.patch_embed = PatchEmbedding(len(config.bands), self.embed_dim, config.sizes.patch_size)
        self.blocks = config.blocks(norm_eps=1e-6)

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
