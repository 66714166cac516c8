"""What the vision transformers over images have in common, whatever they know besides."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from isthmus.errors import ArgumentError
from isthmus.models.backbones.encoder import Encoder
from isthmus.models.layers.arguments import feature_indices
from isthmus.models.layers.prompts import NO_PROMPTS, Prompting
from isthmus.models.layers.transformer import TransformerBlock, growing_rates
from isthmus.models.layers.vit_sizes import VitSizes
from isthmus.specs.features import FeatureSpec, Layout
from isthmus.specs.inputs import InputSpec


@dataclass(frozen=True, slots=True)
class VitConfig:
    """What a vision transformer over images is made of.

    Attributes:
        bands: the bands of an image, in order: names, or integers where they have none.
        img_size: height and width of the images.
        sizes: of tokens, blocks, heads and patches.
        out_indices: the blocks whose output is returned, the last ones as negative numbers; every block by default.
        drop_path: the rate of stochastic depth of the last block; it grows linearly from zero at the first.
        prompting: the prompts that every block sees beside the tokens.
    """

    bands: Sequence[str | int]
    img_size: tuple[int, int]
    sizes: VitSizes
    out_indices: Sequence[int] | None = None
    drop_path: float = 0.0
    prompting: Prompting = NO_PROMPTS

    @property
    def patch(self) -> tuple[int, int]:
        """Height and width of a patch."""
        return self.sizes.patch_size, self.sizes.patch_size

    @property
    def grid(self) -> tuple[int, int]:
        """The native number of patches along height and width."""
        return self.img_size[0] // self.sizes.patch_size, self.img_size[1] // self.sizes.patch_size

    def blocks(self, norm_eps: float = 1e-5, *, attention_bias: bool = True) -> nn.ModuleList:
        """The blocks."""
        sizes = self.sizes
        return nn.ModuleList(
            TransformerBlock(
                sizes.embed_dim, sizes.num_heads, sizes.mlp_ratio, rate, norm_eps, attention_bias=attention_bias
            )
            for rate in growing_rates(self.drop_path, sizes.depth)
        )


class VisionTransformer(Encoder):
    """Sizes, a class token, prompts, and what is published; embedding and blocks are left open.

    Args:
        config: the sizes.
        steps: how many grids of tokens follow one another; they count as time steps.
        frames: the images of a time series.
        time_axis: whether images have an axis of time; where there are several by default.
        metadata: what else of a sample `forward` takes.

    Attributes:
        patch_size: of a patch, (height, width).
        grid_size: the native number of patches along height and width.

    Raises:
        ArgumentError: images smaller than a patch, an index without a block, or prompts that cannot be.
    """

    def __init__(
        self,
        config: VitConfig,
        *,
        steps: int = 1,
        frames: int = 1,
        time_axis: bool | None = None,
        metadata: tuple[str, ...] = (),
    ) -> None:
        sizes, patch = config.sizes, config.patch
        if min(config.grid) < 1:
            raise ArgumentError(f"img_size {config.img_size} is smaller than a patch of {patch}")
        out_indices = feature_indices(config.out_indices, sizes.depth)
        stride = (float(patch[0]), float(patch[1]))
        feature = FeatureSpec(sizes.embed_dim, Layout.TOKENS, stride, prefix_tokens=1, time_steps=steps)
        super().__init__(
            InputSpec.of_image(
                len(config.bands),
                tuple(config.bands),
                frames=frames,
                time_axis=time_axis,
                image_size=config.img_size,
                multiple=(1, *patch),
                metadata=metadata,
            ),
            [feature] * len(out_indices),
        )
        prompts = config.prompting.prompts(sizes.depth, sizes.embed_dim, patch)
        self.patch_size, self.grid_size = patch, config.grid
        self.embed_dim, self.steps, self.out_indices = sizes.embed_dim, steps, out_indices
        self.cls_token = nn.Parameter(torch.empty(1, 1, sizes.embed_dim))
        nn.init.normal_(self.cls_token, std=0.02)
        self.vpt_prompt_embeddings = prompts
