"""The network of Scale-MAE: a vision transformer whose positions are metres on the ground (arXiv 2212.14532)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.errors import ArgumentError, ShapeError
from isthmus.models.backbones.vision_transformer import VisionTransformer, VitConfig
from isthmus.models.layers.image_shape import check_image
from isthmus.models.layers.patch_embedding import PatchEmbedding
from isthmus.models.layers.sincos import sincos_1d
from isthmus.models.layers.transformer import run_blocks


class ScaleMAEEncoder(VisionTransformer):
    """The encoder of Scale-MAE.

    Takes `(B, C, H, W)` of any height and width that are multiples of the patch. Gives, for each block in
    `out_indices`, the tokens `(B, 1 + H' x W', embed_dim)` with the class token first, as they leave the block: no
    feature is normalised.

    Args:
        config: the sizes; of tokens a multiple of 4.
        input_res: the size of a pixel on the ground in metres, where the images do not tell.

    Raises:
        ArgumentError: a pixel without a size.
    """

    def __init__(self, config: VitConfig, input_res: float) -> None:
        super().__init__(config, metadata=("input_res",))
        self.input_res = input_res
        if not input_res > 0:
            raise ArgumentError(
                f"input_res is {input_res}: the size of a pixel in metres was expected", argument="input_res"
            )
        self.patch_embed = PatchEmbedding(len(config.bands), self.embed_dim, config.sizes.patch_size)
        self.blocks = config.blocks(norm_eps=1e-6)

    def forward(
        self, x: Float[Tensor, "*image"], input_res: Tensor | float | None = None
    ) -> list[Float[Tensor, "batch tokens embed"]]:
        """Encode a batch of images.

        Args:
            x: `(B, C, H, W)`.
            input_res: the size of a pixel on the ground in metres, one number or one per image.

        Raises:
            ShapeError: a tensor of another shape.
        """
        grid = check_image(x, self.bands, self.patch_size)
        metres = torch.as_tensor(self.input_res if input_res is None else input_res, dtype=torch.float32).to(x.device)
        if metres.shape not in ((), (1,), (len(x),)):
            raise ShapeError(
                f"input_res has the shape {tuple(metres.shape)}: one number, or {len(x)} of them, were expected"
            )
        positions = ground_positions(self.embed_dim, grid, metres.expand(len(x)))
        patches: Tensor = self.patch_embed(x)
        patches = patches + positions.to(patches.dtype)
        tokens = torch.cat([self.cls_token.expand(len(x), -1, -1), patches.flatten(1, 2)], dim=1)
        return run_blocks(self.blocks, nn.Identity(), tokens, self.out_indices, self.vpt_prompt_embeddings)


def ground_positions(
    channels: int, grid: tuple[int, int], metres: Float[Tensor, "batch"]
) -> Float[Tensor, "batch height width {channels}"]:
    """Embed the cells of a grid `(height, width)` by row and column times the size of a pixel in metres.

    The column is in the first half of the channels, the row in the second.
    """
    rows, columns = (torch.arange(size, dtype=metres.dtype, device=metres.device) for size in grid)
    half = channels // 2
    across = sincos_1d(metres[:, None] * columns, half)[:, None, :, :]
    down = sincos_1d(metres[:, None] * rows, half)[:, :, None, :]
    return torch.cat([part.expand(len(metres), *grid, half) for part in (across, down)], dim=-1)
