"""What the vision transformers over images have in common, whatever they know besides."""

from collections.abc import Sequence

import torch
from torch import nn

from isthmus.errors import ArgumentError
from isthmus.models.layers.arguments import feature_indices
from isthmus.models.layers.prompts import DeepPrompts
from isthmus.specs.features import FeatureSpec, Layout
from isthmus.weights.report import WeightsReport


class ImageViT(nn.Module):
    """Sizes, a class token, prompts, and what is published about the features; embedding and blocks are left open.

    Args:
        bands: the bands of an image, in order: names, or integers where they have none.
        img_size: height and width of the images.
        patch_size: height and width of a patch.
        embed_dim: the size of a token.
        depth: the number of blocks.
        out_indices: the blocks whose output is returned, the last ones as negative numbers; every block by default.
        steps: how many grids of tokens follow one another.
        prompts: what every block sees beside the tokens.

    Attributes:
        out_channels: per returned feature, the channels once the grids are folded into them.
        feature_specs: per returned feature, its layout; grids that follow one another count as time steps.
        in_channels: the number of bands.
        image_size: the native (height, width).
        patch_size: of a patch, (height, width).
        grid_size: the native number of patches along height and width.
        weights_report: what was loaded from where; None where the weights are random.

    Raises:
        ArgumentError: images smaller than a patch, or an index without a block.
    """

    def __init__(
        self,
        bands: Sequence[str | int],
        img_size: tuple[int, int],
        patch_size: int,
        embed_dim: int,
        depth: int,
        out_indices: Sequence[int] | None = None,
        *,
        steps: int = 1,
        prompts: DeepPrompts | None = None,
    ) -> None:
        super().__init__()
        self.bands = list(bands)
        self.in_channels = len(self.bands)
        self.image_size, self.patch_size = img_size, (patch_size, patch_size)
        self.embed_dim, self.steps = embed_dim, steps
        self.grid_size = img_size[0] // patch_size, img_size[1] // patch_size
        if min(self.grid_size) < 1:
            raise ArgumentError(f"img_size {img_size} is smaller than a patch of {self.patch_size}")
        self.out_indices = feature_indices(out_indices, depth)
        self.weights_report: WeightsReport | None = None
        self.cls_token = nn.Parameter(torch.empty(1, 1, embed_dim))
        nn.init.normal_(self.cls_token, std=0.02)
        self.vpt_prompt_embeddings = prompts

    @property
    def out_channels(self) -> list[int]:
        """Per returned feature, the channels once the grids are folded into them."""
        return [spec.out_channels for spec in self.feature_specs]

    @property
    def feature_specs(self) -> list[FeatureSpec]:
        """Per returned feature, its layout."""
        stride = (float(self.patch_size[0]), float(self.patch_size[1]))
        spec = FeatureSpec(self.embed_dim, Layout.TOKENS, stride, prefix_tokens=1, time_steps=self.steps)
        return [spec for _ in self.out_indices]
