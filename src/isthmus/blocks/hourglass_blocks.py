"""The blocks of SLEAP's simplified stacked hourglass: single convolutions, each with ReLU and batch normalisation."""

from collections import OrderedDict
from dataclasses import dataclass

from torch import Tensor, nn

from isthmus.blocks.base import DecoderBlock, EncoderBlock
from isthmus.blocks.same import SameConv2d, SameMaxPool2d, Upsample
from isthmus.blocks.simple import BlockSequence, batch_norm
from isthmus.blocks.upsampling_step import UpsamplingStep, cropped
from isthmus.errors import ArgumentError, CompositionError


@dataclass(frozen=True, kw_only=True)
class HourglassStemBlock(EncoderBlock):
    """A 7 x 7 convolution, a 3 x 3 convolution, a pooling, and another 3 x 3 convolution.

    Attributes:
        pooling_stride: 1, 2 (by the pooling) or 4 (by the first convolution too).
        filters: the channels of the first convolution; the second has twice as many.
        output_filters: those of the third.
    """

    pooling_stride: int = 4
    filters: int = 128
    output_filters: int = 256

    def __post_init__(self) -> None:
        if self.pooling_stride not in (1, 2, 4):
            raise ArgumentError(f"the stem of an hourglass has a stride of 1, 2 or 4, but is given {self.stride}")

    def build(self, in_channels: int) -> BlockSequence:
        """Make the module."""
        layers = conv_relu_norm("conv7x7", in_channels, self.filters, 7, 2 if self.stride == 4 else 1)
        layers |= conv_relu_norm("conv3x3", self.filters, 2 * self.filters)
        layers["pool"] = SameMaxPool2d(2 if self.stride > 1 else 1)
        layers |= conv_relu_norm("conv3x3_out", 2 * self.filters, self.output_filters)
        return BlockSequence(layers, self.output_filters)


@dataclass(frozen=True, kw_only=True)
class HourglassDownBlock(EncoderBlock):
    """A pooling and a convolution.

    Attributes:
        filters: the channels of the convolution.
    """

    filters: int = 256

    def build(self, in_channels: int) -> BlockSequence:
        """Make the module."""
        layers = OrderedDict[str, nn.Module](pool=SameMaxPool2d(2))
        return BlockSequence(layers | conv_relu_norm("conv", in_channels, self.filters), self.filters)


@dataclass(frozen=True, kw_only=True)
class HourglassUpBlock(DecoderBlock):
    """A convolution, interpolation, and the sum with a skip connection that has a convolution of its own.

    Attributes:
        filters: the channels of both convolutions.
        interp_method: how to interpolate.
        takes_any_size: whether the map is cropped, at the bottom and right, to the size of the skip connection.
    """

    filters: int = 256
    interp_method: str = "bilinear"
    takes_any_size: bool = False

    def build(self, in_channels: int, skip_channels: int | None = None) -> "HourglassUp":
        """Make the module.

        Raises:
            CompositionError: there is no skip connection.
        """
        if skip_channels is None:
            raise CompositionError("an hourglass adds a skip connection at every level, but there is none at this one")
        return HourglassUp(
            nn.Sequential(conv_relu_norm("conv", in_channels, self.filters)),
            nn.Sequential(conv_relu_norm("skip", skip_channels, self.filters)),
            Upsample(self.upsampling_stride, self.interp_method),
            self.filters,
            crops=self.takes_any_size,
        )


class HourglassUp(UpsamplingStep):
    """Convolve, make finer, and add the skip connection behind a block of its own.

    Args:
        block: what the map goes through.
        skip: what the skip connection goes through.
        upsample: what makes the map finer.
        out_channels: the channels of the result.
        crops: whether the map is cropped to the size of the skip connection.
    """

    def __init__(
        self, block: nn.Module, skip: nn.Module, upsample: nn.Module, out_channels: int, *, crops: bool = False
    ) -> None:
        super().__init__(out_channels, joins=True)
        self.block, self.skip, self.upsample, self.crops = block, skip, upsample, crops

    def finer(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """Through its block, and interpolated."""
        finer: Tensor = self.upsample(self.block(x))
        return cropped(finer, skip) if self.crops else finer

    def joined(self, x: Tensor, skip: Tensor) -> Tensor:
        """The sum with the skip connection behind its own block."""
        beside: Tensor = self.skip(skip)
        return x + beside

    def refined(self, x: Tensor) -> Tensor:
        """Nothing more: the sum is the result."""
        return x


def conv_relu_norm(
    name: str, in_channels: int, filters: int, kernel_size: int = 3, stride: int = 1
) -> "OrderedDict[str, nn.Module]":
    """A convolution with bias, ReLU, and batch normalisation, in this order."""
    return OrderedDict(
        {
            f"{name}_conv": SameConv2d(in_channels, filters, kernel_size, stride),
            f"{name}_act": nn.ReLU(),
            f"{name}_bn": batch_norm(filters),
        }
    )
