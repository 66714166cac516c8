"""Pre-activated residual bottlenecks (He et al., 2016) as blocks, and what an hourglass of them needs beside."""

from collections import OrderedDict
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from isthmus.blocks.base import DecoderBlock, EncoderBlock, StackMerge
from isthmus.blocks.hourglass_blocks import HourglassUp
from isthmus.blocks.intermediate import Handed
from isthmus.blocks.normalization import BatchNorm2d
from isthmus.blocks.preactivation import NormReLUConv, he_uniform
from isthmus.blocks.same import SameMaxPool2d, Upsample
from isthmus.blocks.simple import BlockSequence
from isthmus.errors import CompositionError


@dataclass(frozen=True, kw_only=True)
class ConvNormBlock(EncoderBlock):
    """A convolution, which makes the step down itself, batch normalisation and ReLU.

    Attributes:
        filters: the channels of the convolution.
        kernel_size: the size of its kernel, an odd number.
    """

    filters: int = 64
    kernel_size: int = 1

    def build(self, in_channels: int) -> BlockSequence:
        """Make the module."""
        convolution = nn.Conv2d(in_channels, self.filters, self.kernel_size, self.stride, self.kernel_size // 2)
        he_uniform(convolution)
        layers = OrderedDict[str, nn.Module](
            conv=convolution, norm=BatchNorm2d(self.filters), act=nn.ReLU(inplace=True)
        )
        return BlockSequence(layers, self.filters)


@dataclass(frozen=True, kw_only=True)
class ResidualBlock(EncoderBlock):
    """A pooling of 2 x 2 cells, if any, and a residual bottleneck.

    Attributes:
        filters: the channels of the result.
        keeps_skip: whether the map in front of the pooling is kept for the skip connection.
    """

    filters: int = 256
    keeps_skip: bool = False

    def build(self, in_channels: int) -> "BlockSequence | KeptInFront":
        """Make the module."""
        layers = OrderedDict[str, nn.Module]()
        if self.pool:
            layers["pool"] = SameMaxPool2d(self.pooling_stride)
        layers["residual"] = Residual(in_channels, self.filters)
        block = BlockSequence(layers, self.filters)
        return KeptInFront(block, in_channels) if self.keeps_skip else block


@dataclass(frozen=True, kw_only=True)
class ResidualUpBlock(DecoderBlock):
    """A residual bottleneck, the nearest neighbour, and the sum with a skip connection behind a bottleneck of its own.

    Attributes:
        filters: the channels of both bottlenecks.
    """

    filters: int = 256

    def build(self, in_channels: int, skip_channels: int | None = None) -> HourglassUp:
        """Make the module.

        Raises:
            CompositionError: there is no skip connection.
        """
        if skip_channels is None:
            raise CompositionError("an hourglass adds a skip connection at every level, but there is none at this one")
        return HourglassUp(
            Residual(in_channels, self.filters),
            Residual(skip_channels, self.filters),
            Upsample(self.upsampling_stride, "nearest"),
            self.filters,
        )


@dataclass(frozen=True, kw_only=True)
class ProjectedSumMerge(StackMerge):
    """The input of a stack, its output and its prediction, the latter two through 1 x 1 convolutions, added up."""

    def build(self, input_channels: int, output_channels: int, prediction_channels: int | None) -> "ProjectedSum":
        """Make the module."""
        return ProjectedSum(input_channels, output_channels, prediction_channels)


class Residual(nn.Module):
    """A pre-activated residual bottleneck: 1 x 1 to half the channels, 3 x 3, 1 x 1, and the sum with what came in.

    Args:
        in_channels: the incoming channels.
        out_channels: the outgoing channels; where they differ, a 1 x 1 convolution brings what came in to them.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        middle = out_channels // 2
        self.layers = nn.ModuleList(
            [
                NormReLUConv(in_channels, middle, 1),
                NormReLUConv(middle, middle, 3),
                NormReLUConv(middle, out_channels, 1),
            ]
        )
        self.projection = nn.Identity() if in_channels == out_channels else _pointwise(in_channels, out_channels)
        self.out_channels = out_channels

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch out height width"]:
        """Three convolutions, and the sum."""
        beside: Tensor = self.projection(x)
        for layer in self.layers:
            x = layer([x])
        return x + beside


class KeptInFront(nn.Module):
    """Hand on what a block makes of a map, and keep the map itself for the skip connection.

    Args:
        block: the block.
        in_channels: the channels of the map.
    """

    def __init__(self, block: BlockSequence, in_channels: int) -> None:
        super().__init__()
        self.block, self.out_channels, self.skip_channels = block, block.out_channels, in_channels

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Handed:
        """Go through the block."""
        return Handed(self.block(x), x)


class ProjectedSum(nn.Module):
    """The module of a `ProjectedSumMerge`.

    Args:
        input_channels: the channels of the input, and of the result.
        output_channels: those of the output.
        prediction_channels: those of the prediction; None where there is none.
    """

    def __init__(self, input_channels: int, output_channels: int, prediction_channels: int | None) -> None:
        super().__init__()
        self.output = _pointwise(output_channels, input_channels)
        self.prediction = None if prediction_channels is None else _pointwise(prediction_channels, input_channels)

    def forward(
        self,
        x: Float[Tensor, "batch channels height width"],
        output: Float[Tensor, "batch out height width"],
        prediction: Float[Tensor, "batch predicted height width"] | None = None,
    ) -> Float[Tensor, "batch channels height width"]:
        """Add up."""
        merged: Tensor = x + self.output(output)
        return merged if self.prediction is None else merged + self.prediction(prediction)


def _pointwise(in_channels: int, out_channels: int) -> nn.Conv2d:
    convolution = nn.Conv2d(in_channels, out_channels, 1)
    he_uniform(convolution)
    return convolution
