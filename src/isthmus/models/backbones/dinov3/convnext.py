"""The ConvNeXts of DINOv3 (arXiv 2508.10104), of the parts that timm holds them in, under timm's names."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.errors import ShapeError
from isthmus.models.backbones.dinov3.catalog import ConvNeXtSizes
from isthmus.models.backbones.encoder import Encoder
from isthmus.models.layers.arguments import feature_indices
from isthmus.models.layers.image_shape import check_image
from isthmus.specs.features import FeatureSpec, Layout
from isthmus.specs.inputs import InputSpec

SMALLEST = 32  # pixels
STRIDES = (4.0, 8.0, 16.0, 32.0)


class DinoV3ConvNeXtEncoder(Encoder):
    """A ConvNeXt (arXiv 2201.03545) of DINOv3.

    Takes `(B, C, H, W)` of any size from 32 pixels. Gives, for each stage in `out_indices`, the tokens
    `(B, 1 + H' x W', C')` at strides 4 to 32: first the mean over the grid, as a class token, then the cells row by
    row. Those of the last stage are normalised.

    Args:
        sizes: the sizes of the network.
        bands: the bands of an image, in order: names, or integers where they have none.
        out_indices: the stages whose output is returned, the last ones as negative numbers; all four by default.
        return_cls_token: whether the mean is in front of the cells.
        drop_path: the rate of stochastic depth of the last block; it grows linearly from zero at the first.
    """

    def __init__(
        self,
        sizes: ConvNeXtSizes,
        bands: Sequence[str | int],
        out_indices: Sequence[int] | None = None,
        return_cls_token: bool = True,
        drop_path: float = 0.0,
    ) -> None:
        from timm.models.convnext import ConvNeXt

        indices, prefix = feature_indices(out_indices, len(STRIDES)), int(return_cls_token)
        super().__init__(
            InputSpec.of_image(len(bands), tuple(bands), multiple=SMALLEST),
            [FeatureSpec(sizes.dims[each], Layout.TOKENS, (STRIDES[each],) * 2, prefix) for each in indices],
        )
        self.out_indices, self.return_cls_token = indices, return_cls_token
        network = ConvNeXt(len(bands), 0, depths=sizes.depths, dims=sizes.dims, drop_path_rate=drop_path)
        self.stem, self.stages = network.stem, network.stages
        self.norm = nn.LayerNorm(sizes.dims[-1], eps=1e-6)

    def forward(self, x: Float[Tensor, "*image"]) -> list[Float[Tensor, "batch tokens channels"]]:
        """Encode a batch of images `(B, C, H, W)`.

        Raises:
            ShapeError: a tensor of another shape, or an image of less than 32 pixels.
        """
        if min(check_image(x, self.bands, (1, 1))) < SMALLEST:
            raise ShapeError(f"the image of shape {tuple(x.shape)} is smaller than a cell of 32 pixels")
        x = self.stem(x)
        features: dict[int, Tensor] = {}
        for index, stage in enumerate(self.stages[: max(self.out_indices) + 1]):
            x = stage(x)
            if index in self.out_indices:
                tokens = self._tokens(x)
                features[index] = self.norm(tokens) if index == len(STRIDES) - 1 else tokens
        return [features[index] for index in self.out_indices]

    def _tokens(self, grid: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch tokens channels"]:
        cells = grid.flatten(2).transpose(1, 2)
        return torch.cat([grid.mean((2, 3))[:, None], cells], dim=1) if self.return_cls_token else cells
