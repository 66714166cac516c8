"""The ConvNeXt V2 (arXiv 2301.00808) of MMEarth (arXiv 2405.02771), with the blocks of timm.

MMEarth gives the network another stem: a convolution that sees every pixel, then one per channel that cuts patches.
"""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor, nn

from isthmus.errors import ArgumentError, ShapeError
from isthmus.models.layers.arguments import feature_indices, image_bands
from isthmus.models.layers.image_shape import check_image
from isthmus.models.layers.transformer import growing_rates
from isthmus.specs.features import FeatureSpec
from isthmus.weights.adapter import Adapter
from isthmus.weights.building import build_with_weights
from isthmus.weights.report import WeightsReport

BANDS = 12
STAGES = 4


@dataclass(frozen=True, slots=True)
class Architecture:
    """The number of blocks of each stage and the channels of the first; they double from stage to stage."""

    depths: tuple[int, int, int, int]
    channels: int


VARIANTS = {
    "mmearth_convnextv2_atto": Architecture((2, 2, 6, 2), 40),
    "mmearth_convnextv2_femto": Architecture((2, 2, 6, 2), 48),
    "mmearth_convnextv2_pico": Architecture((2, 2, 6, 2), 64),
    "mmearth_convnextv2_nano": Architecture((2, 2, 8, 2), 80),
    "mmearth_convnextv2_tiny": Architecture((3, 3, 9, 3), 96),
    "mmearth_convnextv2_base": Architecture((3, 3, 27, 3), 128),
    "mmearth_convnextv2_large": Architecture((3, 3, 27, 3), 192),
    "mmearth_convnextv2_huge": Architecture((3, 3, 27, 3), 352),
}
_BLOCK_NAMES = (
    (r"\bdwconv\.", "conv_dw."),
    (r"\bpwconv([12])\.", r"mlp.fc\1."),
    (r"\bgrn\.gamma$", "mlp.grn.weight"),
    (r"\bgrn\.beta$", "mlp.grn.bias"),
)


def block_entries(checkpoint: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The published entries under the names, and in the shapes, of timm's blocks."""
    entries = {}
    for key, tensor in checkpoint.items():
        for pattern, put in _BLOCK_NAMES:
            key = re.sub(pattern, put, key)
        entries[key] = tensor.flatten() if ".mlp.grn." in key else tensor
    return entries


class MMEarthConvNeXt(nn.Module):
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

    Attributes:
        out_channels: per returned feature, its channels.
        feature_specs: per returned feature, its layout.
        in_channels: the number of bands.
        size_multiple: what height and width must be multiples of.
        weights_report: what was loaded from where; None where the weights are random.

    Raises:
        ArgumentError: another size of the patch, or an index without a stage.
    """

    def __init__(
        self,
        sizes: Architecture,
        bands: Sequence[str | int],
        patch_size: int = 32,
        *,
        use_orig_stem: bool = False,
        out_indices: Sequence[int] | None = None,
        drop_path: float = 0.0,
    ) -> None:
        from timm.layers import LayerNorm2d

        super().__init__()
        if patch_size not in (8, 16, 32):
            raise ArgumentError(f"patch_size is {patch_size}: 8, 16 or 32 was expected")
        self.bands = list(bands)
        self.in_channels = len(self.bands)
        self.size_multiple = patch_size
        self.use_orig_stem = use_orig_stem
        self.out_indices = feature_indices(out_indices, STAGES)
        self.weights_report: WeightsReport | None = None
        channels = [sizes.channels * 2**stage for stage in range(STAGES)]
        cut = patch_size // 2 ** (STAGES - 1)
        if use_orig_stem:
            self.stem_orig = nn.Sequential(nn.Conv2d(self.in_channels, channels[0], cut, cut), LayerNorm2d(channels[0]))
        else:
            self.initial_conv = nn.Sequential(
                nn.Conv2d(self.in_channels, channels[0], 3), LayerNorm2d(channels[0]), nn.GELU()
            )
            patches = nn.Conv2d(channels[0], channels[0], cut, cut, padding=cut // 2, groups=channels[0])
            self.stem = nn.Sequential(patches, LayerNorm2d(channels[0]))
        self.stages = _stages(sizes.depths, channels, drop_path)
        self.downsample_layers = nn.ModuleList(
            nn.Sequential(LayerNorm2d(fine), nn.Conv2d(fine, coarse, 2, 2))
            for fine, coarse in itertools.pairwise(channels)
        )
        # Without padding, patches of one pixel lose the border that the first convolution takes.
        is_aligned = use_orig_stem or cut > 1
        self.feature_specs = [
            FeatureSpec(channels[index], stride=(float(cut * 2**index),) * 2 if is_aligned else None)
            for index in self.out_indices
        ]
        self.out_channels = [spec.channels for spec in self.feature_specs]

    def forward(self, x: Float[Tensor, "*image"]) -> list[Float[Tensor, "batch channels grid_height grid_width"]]:
        """Encode a batch of images `(B, C, H, W)`.

        Raises:
            ShapeError: a tensor of another shape.
        """
        check_image(x, self.bands, (self.size_multiple, self.size_multiple))
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


def mmearth_convnextv2(
    variant: str,
    pretrained: bool = False,
    ckpt_path: str | Path | None = None,
    bands: Sequence[str | int | Sequence[int]] | None = None,
    in_chans: int | None = None,
    patch_size: int = 32,
    use_orig_stem: bool = False,
    out_indices: Sequence[int] | None = None,
    drop_path: float = 0.0,
    pretrained_bands: Sequence[str | int | Sequence[int]] | None = None,
    new_bands: str | None = None,
    allow_missing_weights: bool = False,
) -> MMEarthConvNeXt:
    """Build an encoder of MMEarth.

    Args:
        variant: the name of the variant, such as `mmearth_convnextv2_atto`.
        pretrained: load the published weights; none are on the Hub, so that `ckpt_path` is needed.
        ckpt_path: load the weights in this file; it is read whether or not `pretrained` is set.
        bands: the bands of the images, in order; twelve without names by default.
        in_chans: the number of bands, where they have no names.
        patch_size: pixels per cell of the last stage: 32 for the weights made with images of 128 pixels, 16 for those
            of 112, 8 for those of 56.
        use_orig_stem: whether the stem is that of ConvNeXt V2.
        out_indices: the stages whose output is returned; all four by default.
        drop_path: the rate of stochastic depth of the last block.
        pretrained_bands: the bands that the weights were made for; those of the images by default.
        new_bands: what bands that the weights do not know start from: "mean", the mean over the bands that they know,
            or "random". By default "mean", and an error where the weights know none of the bands.
        allow_missing_weights: leave parameters that the weights do not have at random instead of refusing.

    Returns:
        The encoder. Its `weights_report` says what was loaded. On the `meta` device nothing is loaded.

    Raises:
        ArgumentError: arguments that contradict each other or have no valid value.
        WeightsError: the weights cannot be found, read or fitted.
    """
    own_bands = image_bands(bands, in_chans, range(BANDS))
    first = "stem_orig.0.weight" if use_orig_stem else "initial_conv.0.weight"
    return build_with_weights(
        lambda: MMEarthConvNeXt(
            VARIANTS[variant],
            own_bands,
            patch_size,
            use_orig_stem=use_orig_stem,
            out_indices=out_indices,
            drop_path=drop_path,
        ),
        Adapter(first, renames={"norm.": None, "head.": None}, first_layer=first, convert=block_entries),
        variant,
        pretrained=pretrained,
        ckpt_path=ckpt_path,
        bands=own_bands,
        pretrained_bands=pretrained_bands,
        new_bands=new_bands,
        allow_missing=allow_missing_weights,
    )
