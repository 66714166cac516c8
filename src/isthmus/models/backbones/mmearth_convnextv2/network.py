"""The ConvNeXt V2 (arXiv 2301.00808) of MMEarth (arXiv 2405.02771), with the blocks of timm.

MMEarth gives the network another stem: a convolution that sees every pixel, then one per channel that cuts patches.
"""

import itertools
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from isthmus.errors import ArgumentError, ShapeError
from isthmus.models.backbones.encoder import Encoder
from isthmus.models.backbones.mmearth_convnextv2.catalog import ConvNeXtV2Sizes
from isthmus.models.layers.arguments import feature_indices
from isthmus.models.layers.image_shape import check_image
from isthmus.models.layers.transformer import growing_rates
from isthmus.specs.features import FeatureSpec
from isthmus.specs.inputs import InputSpec

STAGES = 4


class MMEarthEncoder(Encoder):
    """The encoder of MMEarth.

    Takes `(B, C, H, W)` of any size that is a multiple of the patch. Gives, for each stage in `out_indices`, the grid
    `(B, C', H / stride, W / stride)` at strides of `patch_size` / 8, / 4, / 2 and `patch_size`.

    Args:
        sizes: the sizes of the network.
        bands: the bands of an image, in order: names, or integers where they have none.
        patch_size: pixels per cell of the last stage along either axis: 8, 16 or 32.
        use_orig_stem: whether the stem is that of ConvNeXt V2.
        out_indices: the stages whose output is returned, the last ones as negative numbers; all four by default.
        drop_path: the rate of stochastic depth of the last block; it grows linearly from zero at the first.

    Raises:
        ArgumentError: another size of the patch, or an index without a stage.
    """

    def __init__(
        self,
        sizes: ConvNeXtV2Sizes,
        bands: Sequence[str | int],
        patch_size: int = 32,
        *,
        use_orig_stem: bool = False,
        out_indices: Sequence[int] | None = None,
        drop_path: float = 0.0,
    ) -> None:
        from timm.layers import LayerNorm2d

        if patch_size not in (8, 16, 32):
            raise ArgumentError(f"patch_size is {patch_size}: 8, 16 or 32 was expected", argument="patch_size")
        indices = feature_indices(out_indices, STAGES)
        channels = [sizes.channels * 2**stage for stage in range(STAGES)]
        cut = patch_size // 2 ** (STAGES - 1)
        # Without padding, patches of one pixel lose the border that the first convolution takes.
        is_aligned = use_orig_stem or cut > 1
        super().__init__(
            InputSpec.of_image(len(bands), tuple(bands), multiple=patch_size),
            [
                FeatureSpec(channels[each], stride=(float(cut * 2**each),) * 2 if is_aligned else None)
                for each in indices
            ],
        )
        self.multiple, self.use_orig_stem, self.out_indices = patch_size, use_orig_stem, indices
        if use_orig_stem:
            self.stem_orig = nn.Sequential(nn.Conv2d(len(bands), channels[0], cut, cut), LayerNorm2d(channels[0]))
        else:
            self.initial_conv = nn.Sequential(
                nn.Conv2d(len(bands), channels[0], 3), LayerNorm2d(channels[0]), nn.GELU()
            )
            patches = nn.Conv2d(channels[0], channels[0], cut, cut, padding=cut // 2, groups=channels[0])
            self.stem = nn.Sequential(patches, LayerNorm2d(channels[0]))
        self.stages = _stages(sizes.depths, channels, drop_path)
        self.downsample_layers = nn.ModuleList(
            nn.Sequential(LayerNorm2d(fine), nn.Conv2d(fine, coarse, 2, 2))
            for fine, coarse in itertools.pairwise(channels)
        )

    def forward(self, x: Float[Tensor, "*image"]) -> list[Float[Tensor, "batch channels grid_height grid_width"]]:
        """Encode a batch of images `(B, C, H, W)`.

        Raises:
            ShapeError: a tensor of another shape.
        """
        check_image(x, self.bands, (self.multiple, self.multiple))
        if min(x.shape[2:]) < 10:
            raise ShapeError(f"the image of shape {tuple(x.shape)} is too small: 10 pixels are the least")
        x = self.stem_orig(x) if self.use_orig_stem else self.stem(self.initial_conv(x))
        features: dict[int, Tensor] = {}
        for index in range(max(self.out_indices) + 1):
            x = self.stages[index](self.downsample_layers[index - 1](x) if index else x)
            features[index] = x
        return [features[index] for index in self.out_indices]


def _stages(depths: Sequence[int], channels: Sequence[int], drop_path: float) -> nn.ModuleList:
    from timm.models.convnext import ConvNeXtBlock

    rates = iter(growing_rates(drop_path, sum(depths)))
    return nn.ModuleList(
        nn.Sequential(
            *(ConvNeXtBlock(width, use_grn=True, ls_init_value=None, drop_path=next(rates)) for _ in range(depth))
        )
        for depth, width in zip(depths, channels, strict=True)
    )
