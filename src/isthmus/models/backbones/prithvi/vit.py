"""The encoder of Prithvi-EO: a vision transformer over patches of space and time, with dates and places.

Prithvi-EO-1.0 (arXiv 2310.18660) and Prithvi-EO-2.0 (arXiv 2412.02732) are the encoders of masked autoencoders
(arXiv 2111.06377). The variants of the second that are called `tl` also take the date and the place of every image.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.models.backbones.prithvi.trunk import PrithviConfig, PrithviTrunk
from isthmus.models.layers.arguments import feature_indices
from isthmus.models.layers.transformer import run_blocks
from isthmus.specs.features import FeatureSpec, Layout


class PrithviViT(PrithviTrunk):
    """The encoder of Prithvi-EO.

    Takes `(B, C, T, H, W)` with the number of frames that it was made for, or `(B, C, H, W)` where that is one. The
    image size may differ from that which it was made for: the position embeddings follow. Gives, for each block in
    `out_indices`, the tokens `(B, 1 + T' x H' x W', embed_dim)` with the class token first; those of the last block are
    normalised.

    Args:
        config: the sizes; `out_indices` are the blocks whose output is returned, every block by default.
    """

    def __init__(self, config: PrithviConfig) -> None:
        indices = feature_indices(config.out_indices, config.depth)
        stride = (float(config.patch_size[1]), float(config.patch_size[2]))
        spec = FeatureSpec(config.embed_dim, Layout.TOKENS, stride, prefix_tokens=1, time_steps=config.grid[0])
        super().__init__(config, config.input_spec, [spec] * len(indices))
        self.out_indices = indices
        self.cls_token = nn.Parameter(torch.empty(1, 1, self.embed_dim))
        nn.init.trunc_normal_(self.cls_token, std=0.02)
        self.norm = nn.LayerNorm(self.embed_dim, eps=1e-5)

    def forward(
        self,
        x: Float[Tensor, "*image"],
        temporal_coords: Float[Tensor, "*dates"] | None = None,
        location_coords: Float[Tensor, "*places"] | None = None,
    ) -> list[Float[Tensor, "batch tokens embed"]]:
        """Encode a batch of images or of time series.

        Args:
            x: `(B, C, T, H, W)`, or `(B, C, H, W)` for an encoder of one frame.
            temporal_coords: `(B, T, 2)`, the year and the day of the year of each frame. Ignored by an encoder
                without the encoding of time; without them the encoding is left out.
            location_coords: `(B, 2)`, latitude and longitude in degrees; likewise.

        Raises:
            ShapeError: a tensor of another shape.
        """
        patches = self.embed(self.as_time_series(x), temporal_coords, location_coords)
        return self.encode(patches.flatten(1, 3), self.out_indices)

    def encode(
        self, patches: Float[Tensor, "batch patches embed"], indices: Sequence[int]
    ) -> list[Float[Tensor, "batch tokens embed"]]:
        """What leaves the blocks at `indices`, of embedded patches in any number and order."""
        class_token = (self.cls_token + self.pos_embed[:, :1]).to(patches.dtype)
        tokens = torch.cat([class_token.expand(len(patches), -1, -1), patches], dim=1)
        return run_blocks(self.blocks, self.norm, tokens, indices, self.vpt_prompt_embeddings)
