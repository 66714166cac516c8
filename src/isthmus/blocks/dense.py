"""Densely connected blocks (Huang et al., 2017) with transitions down and up (Jegou et al., 2017)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.blocks.base import DecoderBlock, EncoderBlock
from isthmus.blocks.intermediate import Handed
from isthmus.blocks.preactivation import NormReLUConv, he_uniform
from isthmus.blocks.upsampling_step import cropped, fitting


@dataclass(frozen=True, kw_only=True)
class FirstConvBlock(EncoderBlock):
    """A 3 x 3 convolution and nothing else.

    Attributes:
        filters: its channels.
    """

    pool: bool = False
    filters: int = 48

    def build(self, in_channels: int) -> nn.Conv2d:
        """Make the module."""
        convolution = nn.Conv2d(in_channels, self.filters, 3, padding=1)
        he_uniform(convolution)
        return convolution


@dataclass(frozen=True, kw_only=True)
class DenseDownBlock(EncoderBlock):
    """Dense layers and a transition down.

    The skip connection keeps the incoming channels and all new ones; these go through batch normalisation, ReLU, a
    1 x 1 convolution, dropout and a pooling of 2 x 2 cells, and so on to the next block. A row or column too many for
    the pooling is left out.

    Attributes:
        layers: how many dense layers.
        growth_rate: the channels that each of them adds.
        dropout: the share of new values that is set to zero in training.
        checkpointing: see `NormReLUConv`.
    """

    keeps_skip = True

    layers: int = 4
    growth_rate: int = 12
    dropout: float = 0.2
    checkpointing: bool = False

    def build(self, in_channels: int) -> "DenseDown":
        """Make the module."""
        dense = DenseLayers(in_channels, self.layers, self.growth_rate, self.dropout, self.checkpointing)
        return DenseDown(dense, TransitionDown(dense.whole_channels, self.dropout, self.checkpointing))


@dataclass(frozen=True, kw_only=True)
class DenseBottleneckBlock(EncoderBlock):
    """Dense layers that hand on their new channels alone.

    Attributes:
        layers: how many dense layers.
        growth_rate: the channels that each of them adds.
        dropout: the share of new values that is set to zero in training.
        checkpointing: see `NormReLUConv`.
    """

    pool: bool = False
    layers: int = 4
    growth_rate: int = 12
    dropout: float = 0.2
    checkpointing: bool = False

    def build(self, in_channels: int) -> "DenseBottleneck":
        """Make the module."""
        return DenseBottleneck(
            DenseLayers(in_channels, self.layers, self.growth_rate, self.dropout, self.checkpointing)
        )


@dataclass(frozen=True, kw_only=True)
class DenseUpBlock(DecoderBlock):
    """A transition up, whose result stands in front of the skip connection, and dense layers.

    The transition is a 3 x 3 transposed convolution of stride 2 that keeps the channels; what it makes too much is cut
    off at the bottom and right.

    Attributes:
        layers: how many dense layers.
        growth_rate: the channels that each of them adds.
        dropout: the share of new values that is set to zero in training.
        checkpointing: see `NormReLUConv`.
        whole: whether the incoming channels are handed on too; otherwise the new ones alone.
    """

    takes_any_size = True

    layers: int = 4
    growth_rate: int = 12
    dropout: float = 0.2
    checkpointing: bool = False
    whole: bool = False

    def build(self, in_channels: int, skip_channels: int | None = None) -> "DenseUp":
        """Make the module."""
        channels = in_channels + (skip_channels or 0)
        dense = DenseLayers(channels, self.layers, self.growth_rate, self.dropout, self.checkpointing)
        return DenseUp(in_channels, dense, whole=self.whole, uses_skip=skip_channels is not None)


class DenseLayers(nn.Module):
    """Layers each of which takes the incoming channels and those that all layers before it added.

    Args:
        in_channels: the incoming channels.
        layers: how many layers.
        growth_rate: the channels that each of them adds.
        dropout: the share of new values that is set to zero in training.
        checkpointing: see `NormReLUConv`.
    """

    def __init__(
        self, in_channels: int, layers: int, growth_rate: int, dropout: float = 0.2, checkpointing: bool = False
    ) -> None:
        super().__init__()
        self.new_channels = layers * growth_rate
        self.whole_channels = in_channels + self.new_channels
        self.layers = nn.ModuleList(
            NormReLUConv(in_channels + index * growth_rate, growth_rate, 3, checkpointing) for index in range(layers)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, *maps: Float[Tensor, "batch _ height width"]) -> list[Tensor]:
        """The incoming maps and, behind them, the new ones `(batch, growth_rate, height, width)`."""
        every = list(maps)
        for layer in self.layers:
            every.append(self.dropout(layer(every)))
        return every


class TransitionDown(nn.Module):
    """Batch normalisation, ReLU, a 1 x 1 convolution, dropout and a pooling of 2 x 2 cells.

    Args:
        channels: the channels, which stay.
        dropout: the share of values that is set to zero in training.
        checkpointing: see `NormReLUConv`.
    """

    def __init__(self, channels: int, dropout: float, checkpointing: bool) -> None:
        super().__init__()
        self.convolution = NormReLUConv(channels, channels, 1, checkpointing)
        self.dropout = nn.Dropout(dropout)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels _ _"]:
        """Halve the size."""
        halved: Tensor = self.pool(self.dropout(self.convolution([x])))
        return halved


class DenseDown(nn.Module):
    """The module of a `DenseDownBlock`.

    Args:
        dense: the dense layers.
        transition: what makes the map coarser.
    """

    def __init__(self, dense: DenseLayers, transition: TransitionDown) -> None:
        super().__init__()
        self.dense, self.transition = dense, transition
        self.out_channels = self.skip_channels = dense.whole_channels

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Handed:
        """Add channels, keep them, go down."""
        whole = torch.cat(self.dense(x), dim=1)
        return Handed(self.transition(whole), whole)


class DenseBottleneck(nn.Module):
    """The module of a `DenseBottleneckBlock`.

    Args:
        dense: the dense layers.
    """

    def __init__(self, dense: DenseLayers) -> None:
        super().__init__()
        self.dense, self.out_channels = dense, dense.new_channels

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch new height width"]:
        """The new channels."""
        return torch.cat(self.dense(x)[1:], dim=1)


class DenseUp(nn.Module):
    """The module of a `DenseUpBlock`.

    Args:
        in_channels: the channels of the coarse map.
        dense: the dense layers.
        whole: whether the incoming channels are handed on too.
        uses_skip: whether there is a skip connection.
    """

    def __init__(self, in_channels: int, dense: DenseLayers, *, whole: bool, uses_skip: bool) -> None:
        super().__init__()
        self.upsample = nn.ConvTranspose2d(in_channels, in_channels, 3, 2)
        he_uniform(self.upsample)
        self.dense, self.whole, self.uses_skip = dense, whole, uses_skip
        self.out_channels = dense.whole_channels if whole else dense.new_channels

    def forward(
        self, x: Float[Tensor, "batch channels height width"], skip: Float[Tensor, "batch skip _ _"] | None = None
    ) -> Float[Tensor, "batch out _ _"]:
        """Make `x` finer, set it in front of `skip`, add channels.

        Raises:
            ShapeError: `skip` is missing or more than twice as large and one.
        """
        finer = self.upsample(x)
        if self.uses_skip:
            finer = cropped(finer, skip)
            given = [finer, fitting(skip, finer)]
        else:
            given = [finer[..., : 2 * x.shape[-2], : 2 * x.shape[-1]]]
        every = self.dense(*given)
        return torch.cat(every if self.whole else every[len(given) :], dim=1)
