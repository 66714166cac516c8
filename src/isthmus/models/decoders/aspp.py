"""Atrous spatial pyramid pooling over one feature, as a decoder and with heads of its own."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.blocks.convolutions import ConvNormReLU
from isthmus.errors import ArgumentError, CompositionError, did_you_mean
from isthmus.models.feature_checks import check_grids, check_indices, pick
from isthmus.specs.features import Requirement

TRANSFORMS = ("resize_concat", "multiple_select")


class ASPPModule(nn.Module):
    """Convolutions of several dilations over the same map, side by side (Chen et al., 2017).

    Args:
        dilations: the dilation of each branch; a dilation of 1 makes it a 1x1 convolution.
        in_channels: the channels of the map.
        channels: the channels of each branch.
    """

    def __init__(self, dilations: Sequence[int], in_channels: int, channels: int) -> None:
        super().__init__()
        self.model_sequence = nn.ModuleList(
            ConvNormReLU(in_channels, channels, 1 if dilation == 1 else 3, dilation) for dilation in dilations
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """The map (batch, channels, height, width) through every branch."""
        return [branch(x) for branch in self.model_sequence]


class ASPPHead(nn.Module):
    """Atrous spatial pyramid pooling of DeepLabV3 (Chen et al., 2017): dilated convolutions and the mean of the image.

    Args:
        channel_list: the channels of the features.
        dilations: the dilation of each branch.
        in_channels: the channels of the feature that it works on; only needed to hold it against `channel_list`.
        channels: the channels of each branch and of the result.
        align_corners: whether interpolation keeps the centres of the corner cells in place.
        input_transform: None to work on the feature `in_index`; "resize_concat" to join several, resized to the first
            of them; "multiple_select" to select by a list that holds one index.
        in_index: which feature, or which features.

    Raises:
        ArgumentError: an unknown `input_transform`, or an `in_index` that does not go with it.
        CompositionError: `in_index` is out of range, or `in_channels` is not what the features have.
    """

    def __init__(
        self,
        channel_list: list[int],
        dilations: list[int] | tuple[int, ...] = (1, 6, 12, 18),
        in_channels: int | None = None,
        channels: int = 256,
        align_corners: bool = False,
        input_transform: str | None = None,
        in_index: int | list[int] = -1,
    ) -> None:
        super().__init__()
        owner = type(self).__name__
        self.indices = _indices(owner, input_transform, in_index)
        check_indices(owner, self.indices, len(channel_list))
        self.in_channels = sum(channel_list[index] for index in self.indices)
        if in_channels is not None and in_channels != self.in_channels:
            raise CompositionError(
                f"{owner} is told that in_channels is {in_channels}, but the features {self.indices} have "
                f"{self.in_channels} channels; leave in_channels out"
            )
        self.align_corners = align_corners
        self.out_channels = channels
        self.image_pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), ConvNormReLU(self.in_channels, channels, 1))
        self.aspp_modules = ASPPModule(dilations, self.in_channels, channels)
        self.bottleneck = ConvNormReLU((len(dilations) + 1) * channels, channels, 3)
        self.requirement = self.requirement_for()

    @staticmethod
    def requirement_for(**_: Any) -> Requirement:
        """It takes grids of any stride."""
        return Requirement()

    def forward(self, features: list[Tensor]) -> Tensor:
        """From grids (batch, channels, height, width) to one of the size of the first that is chosen."""
        return self._pooled(features)

    def _pooled(self, features: list[Tensor]) -> Tensor:
        x = self._chosen(features)
        branches = [self._resized(self.image_pool(x), x), *self.aspp_modules(x)]
        out: Tensor = self.bottleneck(torch.cat(branches, dim=1))
        return out

    def _chosen(self, features: list[Tensor]) -> Tensor:
        owner = type(self).__name__
        chosen = [pick(owner, features, index) for index in self.indices]
        check_grids(owner, chosen)
        if len(chosen) == 1:
            return chosen[0]
        return torch.cat([self._resized(feature, chosen[0]) for feature in chosen], dim=1)

    def _resized(self, x: Tensor, like: Tensor) -> Tensor:
        if x.shape[-2:] == like.shape[-2:]:
            return x
        return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=self.align_corners)


class ASPPSegmentationHead(ASPPHead):
    """An `ASPPHead` that scores classes; it includes its head.

    Args:
        channel_list: the channels of the features.
        num_classes: how many classes there are.
        dilations: the dilation of each branch.
        in_channels: the channels of the feature that it works on; only needed to hold it against `channel_list`.
        channels: the channels of each branch.
        align_corners: whether interpolation keeps the centres of the corner cells in place.
        head_dropout_ratio: how many of the channels in front of the last convolution are dropped while training.
        input_transform: see `ASPPHead`.
        in_index: which feature, or which features.
    """

    includes_head = True

    def __init__(
        self,
        channel_list: list[int],
        num_classes: int,
        dilations: list[int] | tuple[int, ...] = (1, 6, 12, 18),
        in_channels: int | None = None,
        channels: int = 256,
        align_corners: bool = False,
        head_dropout_ratio: float | int = 0.3,
        input_transform: str | None = None,
        in_index: int | list[int] = -1,
    ) -> None:
        super().__init__(channel_list, dilations, in_channels, channels, align_corners, input_transform, in_index)
        self.dropout = nn.Dropout2d(head_dropout_ratio)
        self.conv_seg = nn.Conv2d(channels, num_classes, 1)
        self.out_channels = num_classes

    def forward(self, features: list[Tensor]) -> Tensor:
        """From grids (batch, channels, height, width) to class scores."""
        scores: Tensor = self.conv_seg(self.dropout(self._pooled(features)))
        return scores


class ASPPRegressionHead(ASPPHead):
    """An `ASPPHead` that predicts quantities; it includes its head.

    Args:
        channel_list: the channels of the features.
        out_channels: how many quantities there are.
        dilations: the dilation of each branch.
        in_channels: the channels of the feature that it works on; only needed to hold it against `channel_list`.
        channels: the channels of each branch.
        align_corners: whether interpolation keeps the centres of the corner cells in place.
        head_dropout_ratio: how many of the channels in front of the last convolution are dropped while training.
        input_transform: see `ASPPHead`.
        in_index: which feature, or which features.
    """

    includes_head = True

    def __init__(
        self,
        channel_list: list[int],
        out_channels: int = 1,
        dilations: list[int] | tuple[int, ...] = (1, 6, 12, 18),
        in_channels: int | None = None,
        channels: int = 256,
        align_corners: bool = False,
        head_dropout_ratio: float | int = 0.3,
        input_transform: str | None = None,
        in_index: int | list[int] = -1,
    ) -> None:
        super().__init__(channel_list, dilations, in_channels, channels, align_corners, input_transform, in_index)
        self.dropout = nn.Dropout2d(head_dropout_ratio)
        self.conv_reg = nn.Conv2d(channels, out_channels, 1)
        self.out_channels = out_channels

    def forward(self, features: list[Tensor]) -> Tensor:
        """From grids (batch, channels, height, width) to quantities."""
        values: Tensor = self.conv_reg(self.dropout(self._pooled(features)))
        return values


def _indices(owner: str, transform: str | None, in_index: int | list[int]) -> list[int]:
    indices = [in_index] if isinstance(in_index, int) else list(in_index)
    if transform is not None and transform not in TRANSFORMS:
        raise ArgumentError(
            f"{owner} knows no input_transform {transform!r}{did_you_mean(transform, TRANSFORMS) or '.'} "
            f"It takes: {', '.join(TRANSFORMS)}"
        )
    if not indices or (len(indices) > 1 and transform != "resize_concat"):
        raise ArgumentError(
            f"{owner} works on one feature, but in_index is {in_index}; to join several set input_transform to "
            "'resize_concat'"
        )
    return indices
