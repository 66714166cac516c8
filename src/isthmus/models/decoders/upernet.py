"""`UperNetDecoder`: pyramid pooling and a feature pyramid in one."""

import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.blocks.convolutions import ConvNormReLU
from isthmus.blocks.upsampling import upsample_by_four, upsample_by_two
from isthmus.errors import CompositionError
from isthmus.models.feature_checks import check_count, check_grids
from isthmus.specs.features import Pyramid, Requirement


class UperNetDecoder(nn.Module):
    """Pool the last feature at several scales, merge from the last to the first, and join all levels.

    This is the decoder of UPerNet (Xiao et al., 2018). The result is as fine as the first feature.

    Args:
        channel_list: the channels of the features.
        pool_scales: the sizes of the grids to which the last feature is pooled.
        channels: the channels of every level and of the result.
        align_corners: whether interpolation keeps the centres of the corner cells in place.
        scale_modules: make a pyramid of four equal features first. Deprecated: the neck LearnedInterpolateToPyramidal
            does the same for any decoder.

    Raises:
        CompositionError: there is no feature, or there are not four with `scale_modules`.
    """

    def __init__(
        self,
        channel_list: list[int],
        pool_scales: list[int] | tuple[int, ...] = (1, 2, 3, 6),
        channels: int = 256,
        align_corners: bool = True,
        scale_modules: bool = False,
    ) -> None:
        super().__init__()
        if not channel_list:
            raise CompositionError("UperNetDecoder takes at least one feature, but is given none")
        self.scale_modules = scale_modules
        self.align_corners = align_corners
        self.count = len(channel_list)
        self.out_channels = channels
        levels = self._add_scale_modules(channel_list) if scale_modules else list(channel_list)
        *finer, coarsest = levels
        self.psp_modules = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(scale), ConvNormReLU(coarsest, channels, 1)) for scale in pool_scales
        )
        self.bottleneck = ConvNormReLU(coarsest + len(pool_scales) * channels, channels, 3)
        self.lateral_convs = nn.ModuleList(ConvNormReLU(each, channels, 1) for each in finer)
        self.fpn_convs = nn.ModuleList(ConvNormReLU(channels, channels, 3) for _ in finer)
        self.fpn_bottleneck = ConvNormReLU(len(levels) * channels, channels, 3)
        self.requirement = self.requirement_for(scale_modules)

    def _add_scale_modules(self, channel_list: list[int]) -> list[int]:
        warnings.warn(
            "UperNetDecoder: scale_modules is deprecated; put the neck LearnedInterpolateToPyramidal before it",
            stacklevel=3,
        )
        if len(channel_list) != 4:
            raise CompositionError(
                f"UperNetDecoder with scale_modules takes exactly 4 features, but is given {len(channel_list)}; "
                "choose four with the neck SelectIndices"
            )
        first, second, third, fourth = channel_list
        self.fpn1 = upsample_by_four(first)
        self.fpn2 = upsample_by_two(second)
        return [first // 4, second // 2, third, fourth]

    @staticmethod
    def requirement_for(scale_modules: bool = False, **_: Any) -> Requirement:
        """It takes grids, best a pyramid; four of them if it is to make the pyramid itself."""
        if scale_modules:
            return Requirement(levels=4, pyramid=Pyramid.NONE)
        return Requirement(pyramid=Pyramid.PREFERRED)

    def forward(self, features: list[Tensor]) -> Tensor:
        """From grids (batch, channels, height, width) to one of the size of the first.

        Raises:
            ShapeError: there are more or fewer features than the decoder was built for, or they are no grids.
        """
        check_count("UperNetDecoder", features, self.count)
        check_grids("UperNetDecoder", features)
        if self.scale_modules:
            first, second, third, fourth = features
            features = [self.fpn1(first), self.fpn2(second), third, F.max_pool2d(fourth, 2)]
        levels = self._merged(features)
        smoothed = [conv(level) for conv, level in zip(self.fpn_convs, levels[:-1], strict=True)]
        joined = [self._resized(level, levels[0]) for level in [*smoothed, levels[-1]]]
        out: Tensor = self.fpn_bottleneck(torch.cat(joined, dim=1))
        return out

    def _merged(self, features: list[Tensor]) -> list[Tensor]:
        """Each level with everything coarser added to it."""
        laterals = [conv(feature) for conv, feature in zip(self.lateral_convs, features[:-1], strict=True)]
        levels = [self._pooled(features[-1])]
        for lateral in reversed(laterals):
            levels.append(lateral + self._resized(levels[-1], lateral))
        return levels[::-1]

    def _pooled(self, feature: Tensor) -> Tensor:
        """The last feature beside itself pooled at every scale."""
        pooled = [self._resized(module(feature), feature) for module in self.psp_modules]
        out: Tensor = self.bottleneck(torch.cat([feature, *pooled], dim=1))
        return out

    def _resized(self, level: Tensor, like: Tensor) -> Tensor:
        if level.shape[-2:] == like.shape[-2:]:
            return level
        return F.interpolate(level, size=like.shape[-2:], mode="bilinear", align_corners=self.align_corners)
