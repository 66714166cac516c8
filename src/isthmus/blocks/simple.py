"""Convolutions, one after the other, with a pooling in front or behind."""

from collections import OrderedDict
from dataclasses import dataclass

from torch import nn

from isthmus.blocks.activations import activation_from
from isthmus.blocks.base import EncoderBlock
from isthmus.blocks.normalization import BatchNorm2d
from isthmus.blocks.same import SameConv2d, SameMaxPool2d


class BlockSequence(nn.Sequential):
    """Named layers, one after the other.

    Attributes:
        out_channels: the channels of the result.
    """

    def __init__(self, layers: "OrderedDict[str, nn.Module]", out_channels: int) -> None:
        super().__init__(layers)
        self.out_channels = out_channels


@dataclass(frozen=True, kw_only=True)
class SimpleConvBlock(EncoderBlock):
    """Convolutions of one width, each with batch normalisation and an activation, and a pooling.

    Attributes:
        pool: whether there is a maximum pooling of 2 x 2 cells.
        pooling_stride: its step; with 1 the map keeps its size.
        pool_before_convs: whether it stands in front of the convolutions.
        num_convs: how many convolutions; 0 for the pooling alone.
        filters: their channels.
        kernel_size: the size of their kernels.
        use_bias: whether they have a bias, also where batch normalisation follows.
        batch_norm: whether batch normalisation follows.
        batch_norm_before_activation: whether that stands in front of the activation.
        activation: its name, see `isthmus.blocks.activations`.
        block_prefix: what the names of the layers begin with.
    """

    pool_before_convs: bool = False
    num_convs: int = 2
    filters: int = 32
    kernel_size: int = 3
    use_bias: bool = True
    batch_norm: bool = False
    batch_norm_before_activation: bool = True
    activation: str = "relu"
    block_prefix: str = ""

    def build(self, in_channels: int) -> BlockSequence:
        """Make the module; its layers are called `conv0`, `bn0`, `act0_relu`, ... and `pool`."""
        prefix = f"{self.block_prefix.lstrip('_')}_" if self.block_prefix else ""
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if self.pool and self.pool_before_convs:
            layers[f"{prefix}pool"] = SameMaxPool2d(self.pooling_stride)
        channels = in_channels
        for index in range(self.num_convs):
            layers[f"{prefix}conv{index}"] = SameConv2d(channels, self.filters, self.kernel_size, bias=self.use_bias)
            channels = self.filters
            norm = f"{prefix}bn{index}" if self.batch_norm else None
            layers |= finish(
                channels, norm, f"{prefix}act{index}", self.activation, norm_first=self.batch_norm_before_activation
            )
        if self.pool and not self.pool_before_convs:
            layers[f"{prefix}pool"] = SameMaxPool2d(self.pooling_stride)
        return BlockSequence(layers, channels)


@dataclass(frozen=True, kw_only=True)
class PoolingBlock(EncoderBlock):
    """A maximum pooling of 2 x 2 cells and nothing else."""

    def build(self, in_channels: int) -> BlockSequence:
        """Make the module."""
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if self.pool:
            layers["last_pool"] = SameMaxPool2d(self.pooling_stride)
        return BlockSequence(layers, in_channels)


def finish(
    channels: int, norm: str | None, act: str, activation: str, *, norm_first: bool
) -> "OrderedDict[str, nn.Module]":
    """What follows a convolution: batch normalisation, if `norm` names one, and the activation, in either order."""
    normalizer = [] if norm is None else [(norm, batch_norm(channels))]
    activator = activation_from(activation, "a block")
    if isinstance(activator, nn.ReLU):
        activator.inplace = True  # nobody else looks at what the convolution gives, and none needs it backwards
    activators = [(f"{act}_{activation}", activator)]
    return OrderedDict([*normalizer, *activators] if norm_first else [*activators, *normalizer])


def batch_norm(channels: int) -> BatchNorm2d:
    """Batch normalisation as the block lineage has it: 1e-3 is added to the variance, and it forgets 1 % a step."""
    return BatchNorm2d(channels, eps=1e-3, momentum=0.01)
