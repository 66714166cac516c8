"""The decoders of the block networks over any encoder: the same blocks, joined with whatever pyramid there is."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from isthmus.blocks.base import DecoderBlock
from isthmus.blocks.dense import DenseBottleneckBlock, DenseUpBlock
from isthmus.blocks.hourglass_blocks import HourglassUpBlock
from isthmus.blocks.leap_cnn import leap_up_block
from isthmus.blocks.simple_upsampling import SimpleUpsamplingBlock
from isthmus.blocks.stack import channels_of
from isthmus.blocks.unet import unet_up_block
from isthmus.errors import ArgumentError, CompositionError
from isthmus.models.feature_checks import check_count, check_grids, check_halving, check_indices, pick
from isthmus.specs.features import Pyramid, Requirement


class PyramidBlockDecoder(nn.Module):
    """Blocks that lead up from the coarsest feature of a pyramid.

    Each block makes the map twice as fine and is joined with the feature that is as fine as its result. Where there
    are fewer blocks than that takes, the result is coarser than the finest feature; further blocks lead beyond it,
    without a skip connection.

    Args:
        channel_list: the channels of the features, from the finest to the coarsest.
        blocks: the blocks, from the coarsest on.

    Raises:
        CompositionError: there is no feature.
        ArgumentError: there is no block.
    """

    def __init__(self, channel_list: list[int], blocks: Sequence[DecoderBlock]) -> None:
        super().__init__()
        if not blocks:
            raise ArgumentError(f"{type(self).__name__} was given no block; at least 1 was expected")
        self.count = len(channel_list)
        *skips, channels = channel_list
        self.blocks = nn.ModuleList()
        for block in blocks:
            module = block.build(channels, skips.pop() if skips else None)
            self.blocks.append(module)
            channels = channels_of(module)
        self.out_channels = channels
        self.requirement = self.requirement_for()

    @staticmethod
    def requirement_for(**_: Any) -> Requirement:
        """It takes a pyramid of any number of levels."""
        return Requirement(pyramid=Pyramid.REQUIRED)

    def forward(self, features: list[Tensor]) -> Tensor:
        """From grids (batch, channels, height, width), each half the size of the one before, to a finer one.

        Raises:
            ShapeError: there are more or fewer features than the decoder was built for, or they are no pyramid.
        """
        owner = type(self).__name__
        check_count(owner, features, self.count)
        check_grids(owner, features)
        check_halving(owner, features)
        *skips, x = features
        for block in self.blocks:
            x = block(x, skips.pop() if skips else None)
        return x


class UNetBlockDecoder(PyramidBlockDecoder):
    """The expanding path of `isthmus.blocks.UNet` over any pyramid (Ronneberger et al., 2015).

    Args:
        channel_list: the channels of the features, from the finest to the coarsest.
        filters: the channels of the result.
        filters_rate: by how much they grow from level to level, downwards.
        kernel_size: the size of the kernels.
        convs_per_block: convolutions at each level.
        up_interpolate: go up by bilinear interpolation; by transposed convolution otherwise.
        up_blocks: how many levels to go up; None for as many as lead to the finest feature.

    Raises:
        CompositionError: there is no feature.
        ArgumentError: there is nothing to go up.
    """

    def __init__(
        self,
        channel_list: list[int],
        filters: int = 64,
        filters_rate: float = 2,
        kernel_size: int = 3,
        convs_per_block: int = 2,
        up_interpolate: bool = False,
        up_blocks: int | None = None,
    ) -> None:
        count = _levels_up("UNetBlockDecoder", channel_list, up_blocks)
        blocks = [
            unet_up_block(int(filters * filters_rate**level), kernel_size, convs_per_block, up_interpolate)
            for level in reversed(range(count))
        ]
        super().__init__(channel_list, [replace(block, takes_any_size=True) for block in blocks])


class HourglassBlockDecoder(PyramidBlockDecoder):
    """The way up of `isthmus.blocks.StackedHourglass` over any pyramid (Newell et al., 2016).

    Each level convolves both the map and the feature beside it and adds them up. Beyond the finest feature there is
    interpolation and a convolution.

    Args:
        channel_list: the channels of the features, from the finest to the coarsest.
        filters: the channels of the result.
        filter_increase: how many more each level has, downwards.
        interp_method: how to interpolate: "nearest", "bilinear" or "bicubic".
        up_blocks: how many levels to go up; None for as many as lead to the finest feature.

    Raises:
        CompositionError: there is no feature.
        ArgumentError: there is nothing to go up, or the interpolation is unknown.
    """

    def __init__(
        self,
        channel_list: list[int],
        filters: int = 256,
        filter_increase: int = 128,
        interp_method: str = "nearest",
        up_blocks: int | None = None,
    ) -> None:
        count = _levels_up("HourglassBlockDecoder", channel_list, up_blocks)
        beyond = SimpleUpsamplingBlock(
            interp_method=interp_method,
            refine_convs=1,
            refine_convs_filters=filters,
            refine_convs_batch_norm_before_activation=False,
        )
        joined = min(count, len(channel_list) - 1)
        blocks: list[DecoderBlock] = [
            HourglassUpBlock(
                filters=filters + level * filter_increase, interp_method=interp_method, takes_any_size=True
            )
            for level in reversed(range(joined))
        ]
        super().__init__(channel_list, [*blocks, *[beyond] * (count - joined)])


class DenseBlockDecoder(PyramidBlockDecoder):
    """The way up of `isthmus.blocks.FCDenseNet` over any pyramid (Jegou et al., 2017).

    A dense block makes few channels of the coarsest feature; then every level goes up, is joined with the feature
    beside it, and hands on what its dense layers add. The last one hands on everything.

    Args:
        channel_list: the channels of the features, from the finest to the coarsest.
        up_layers: the layers of each dense block, from the coarsest on; None for 4 in each of as many blocks as lead
            to the finest feature.
        bottleneck_layers: the layers of the dense block at the coarsest level.
        growth_rate: the channels that each layer adds.
        dropout: the share of new values that is set to zero in training.
        checkpointing: compute what stands between the convolutions again in the backward pass, for less memory.

    Raises:
        CompositionError: there is no feature.
        ArgumentError: there is nothing to go up.
    """

    def __init__(
        self,
        channel_list: list[int],
        up_layers: list[int] | None = None,
        bottleneck_layers: int = 4,
        growth_rate: int = 12,
        dropout: float = 0.2,
        checkpointing: bool = False,
    ) -> None:
        count = _levels_up("DenseBlockDecoder", channel_list, None if up_layers is None else len(up_layers))
        layers = up_layers or [4] * count
        settings: dict[str, Any] = {"growth_rate": growth_rate, "dropout": dropout, "checkpointing": checkpointing}
        bottleneck = DenseBottleneckBlock(layers=bottleneck_layers, **settings).build(channel_list[-1])
        super().__init__(
            [*channel_list[:-1], bottleneck.out_channels],
            [DenseUpBlock(layers=each, whole=index == count - 1, **settings) for index, each in enumerate(layers)],
        )
        self.bottleneck = bottleneck

    def forward(self, features: list[Tensor]) -> Tensor:
        """From grids (batch, channels, height, width), each half the size of the one before, to a finer one.

        Raises:
            ShapeError: there are more or fewer features than the decoder was built for, or they are no pyramid.
        """
        check_count("DenseBlockDecoder", features, self.count)
        check_grids("DenseBlockDecoder", features)
        return super().forward([*features[:-1], self.bottleneck(features[-1])])


class LeapBlockDecoder(nn.Module):
    """The way up of `isthmus.blocks.LeapCNN` over one feature (Pereira et al., 2019): no skip connections.

    Args:
        channel_list: the channels of the features.
        filters: half the channels of the result, if they double from level to level (`filters_rate`).
        filters_rate: by how much they grow from level to level, downwards.
        convs_per_block: convolutions at each level.
        up_interpolate: go up by bilinear interpolation; by transposed convolution otherwise.
        up_blocks: how many levels to go up.
        in_index: which feature to begin with; negative ones count from the end.

    Raises:
        CompositionError: `in_index` is out of range.
        ArgumentError: there is nothing to go up.
    """

    def __init__(
        self,
        channel_list: list[int],
        filters: int = 64,
        filters_rate: float = 2,
        convs_per_block: int = 2,
        up_interpolate: bool = False,
        up_blocks: int = 3,
        in_index: int = -1,
    ) -> None:
        super().__init__()
        check_indices("LeapBlockDecoder", [in_index], len(channel_list))
        count = _levels_up("LeapBlockDecoder", channel_list, up_blocks)
        self.in_index, channels = in_index, channel_list[in_index]
        self.blocks = nn.ModuleList()
        for level in range(count, 0, -1):
            block = leap_up_block(int(filters * filters_rate**level), convs_per_block, up_interpolate)
            self.blocks.append(block.build(channels))
            channels = channels_of(self.blocks[-1])
        self.out_channels = channels
        self.requirement = self.requirement_for()

    @staticmethod
    def requirement_for(**_: Any) -> Requirement:
        """It takes grids of any stride."""
        return Requirement()

    def forward(self, features: list[Tensor]) -> Tensor:
        """From grids (batch, channels, height, width) to one that is 2 ** up_blocks times as fine."""
        x = pick("LeapBlockDecoder", features, self.in_index)
        check_grids("LeapBlockDecoder", [x])
        for block in self.blocks:
            x = block(x)
        return x


def _levels_up(owner: str, channel_list: Sequence[int], up_blocks: int | None) -> int:
    if not channel_list:
        raise CompositionError(f"{owner} takes at least one feature, but is given none")
    count = len(channel_list) - 1 if up_blocks is None else up_blocks
    if count < 1:
        if up_blocks is None:
            raise ArgumentError(f"{owner} has a single feature and nothing to go up to; say how far with up_blocks")
        raise ArgumentError(f"{owner}: up_blocks is {up_blocks}; at least 1 was expected")
    return count
