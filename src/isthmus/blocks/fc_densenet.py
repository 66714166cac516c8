"""FC-DenseNet, the hundred layers tiramisu (Jegou et al., 2017), in the generic pattern."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import nn

from isthmus.blocks.base import DecoderBlock, EncoderBlock
from isthmus.blocks.dense import DenseBottleneckBlock, DenseDownBlock, DenseUpBlock, FirstConvBlock
from isthmus.blocks.encoder_decoder import EncoderDecoder
from isthmus.blocks.preactivation import he_uniform
from isthmus.blocks.strides import halvings
from isthmus.errors import ArgumentError


class Layout(NamedTuple):
    """Where a network of the paper has its layers.

    Attributes:
        down_layers: the layers of each block of the encoder.
        bottleneck_layers: those of the bottleneck.
        up_layers: those of each block of the decoder.
        growth_rate: the channels that each layer adds.
    """

    down_layers: tuple[int, ...]
    bottleneck_layers: int
    up_layers: tuple[int, ...]
    growth_rate: int


LAYOUTS = {
    56: Layout((4,) * 5, 4, (4,) * 5, 12),
    67: Layout((5,) * 5, 5, (5,) * 5, 16),
    103: Layout((4, 5, 7, 10, 12), 15, (12, 10, 7, 5, 4), 16),
}
"""The networks of the paper by their number of layers."""


class FCDenseNet(EncoderDecoder):
    """A fully convolutional DenseNet: every layer of a block takes what all layers before it made.

    On the way up only new channels are handed on, so that the maps do not grow without end; the last block hands on
    everything. Images may have any size of `maximum_stride` pixels and more.

    Args:
        in_channels: the channels of the images.
        down_layers: the layers of each block of the encoder.
        bottleneck_layers: those of the bottleneck.
        up_layers: those of each block of the decoder.
        growth_rate: the channels that each layer adds.
        first_channels: the channels of the first convolution.
        dropout: the share of new values that is set to zero in training.
        checkpointing: compute what stands between the convolutions again in the backward pass of training, instead of
            keeping it: much less memory, the same result, and a little more time.
        head_channels: see `EncoderDecoder`.
        pad: see `EncoderDecoder`; never needed here.
        input_stride: see `EncoderDecoder`.

    Raises:
        ArgumentError: a block without layers, or more blocks up than down.
    """

    def __init__(
        self,
        in_channels: int = 3,
        down_layers: Sequence[int] = (4, 5, 7, 10, 12),
        bottleneck_layers: int = 15,
        up_layers: Sequence[int] = (12, 10, 7, 5, 4),
        growth_rate: int = 16,
        first_channels: int = 48,
        dropout: float = 0.2,
        checkpointing: bool = False,
        *,
        head_channels: int | None = None,
        pad: bool = False,
        input_stride: int = 1,
    ) -> None:
        self.down_layers, self.bottleneck_layers, self.up_layers = (
            tuple(down_layers),
            bottleneck_layers,
            tuple(up_layers),
        )
        self.growth_rate, self.first_channels = growth_rate, first_channels
        self.dropout, self.checkpointing = dropout, checkpointing
        self._check_layers()
        super().__init__(in_channels, head_channels=head_channels, pad=pad, input_stride=input_stride)

    @classmethod
    def published(
        cls,
        in_channels: int = 3,
        depth: int = 103,
        *,
        dropout: float = 0.2,
        checkpointing: bool = False,
        head_channels: int | None = None,
        pad: bool = False,
    ) -> "FCDenseNet":
        """A network of the paper by its number of layers: 56, 67 or 103.

        Raises:
            ArgumentError: the paper has none of that depth.
        """
        if depth not in LAYOUTS:
            raise ArgumentError(
                f"there is no FC-DenseNet{depth}; published are {', '.join(map(str, LAYOUTS))}. For another one give "
                "down_layers, bottleneck_layers and up_layers"
            )
        return cls(
            in_channels,
            *LAYOUTS[depth],
            dropout=dropout,
            checkpointing=checkpointing,
            head_channels=head_channels,
            pad=pad,
        )

    @classmethod
    def from_config(
        cls,
        in_channels: int = 3,
        *,
        max_stride: int = 32,
        output_stride: int = 1,
        layers: int = 4,
        growth_rate: int = 12,
        first_channels: int = 48,
        dropout: float = 0.2,
        checkpointing: bool = False,
        head_channels: int | None = None,
        pad: bool = False,
    ) -> "FCDenseNet":
        """The network in terms of strides, with as many layers in every block; FC-DenseNet56 by default.

        Raises:
            ArgumentError: strides that are no powers of two or contradict one another.
        """
        return cls(
            in_channels,
            (layers,) * halvings("max_stride", max_stride),
            layers,
            (layers,) * halvings("max_stride", max_stride, "output_stride", output_stride),
            growth_rate,
            first_channels,
            dropout,
            checkpointing,
            head_channels=head_channels,
            pad=pad,
        )

    @property
    def stem_stack(self) -> list[EncoderBlock]:
        """The first convolution."""
        return [FirstConvBlock(filters=self.first_channels)]

    @property
    def encoder_stack(self) -> list[EncoderBlock]:
        """Dense blocks with transitions down."""
        return [DenseDownBlock(layers=layers, **self._settings) for layers in self.down_layers]

    @property
    def bottleneck_stack(self) -> list[EncoderBlock]:
        """A dense block at the coarsest stride."""
        return [DenseBottleneckBlock(layers=self.bottleneck_layers, **self._settings)]

    @property
    def decoder_stack(self) -> list[DecoderBlock]:
        """Transitions up and dense blocks, of which the last hands on everything."""
        last = len(self.up_layers) - 1
        return [
            DenseUpBlock(layers=layers, whole=index == last, **self._settings)
            for index, layers in enumerate(self.up_layers)
        ]

    @property
    def smallest_size(self) -> int:
        """The size that the poolings, which leave out odd rows and columns, make one cell of."""
        return self.maximum_stride

    def make_head(self, in_channels: int, head_channels: int) -> nn.Module:
        """A 1 x 1 convolution."""
        head = nn.Conv2d(in_channels, head_channels, 1)
        he_uniform(head)
        return head

    @property
    def _settings(self) -> dict[str, Any]:
        return {"growth_rate": self.growth_rate, "dropout": self.dropout, "checkpointing": self.checkpointing}

    def _check_layers(self) -> None:
        for name, layers in (
            ("down_layers", self.down_layers),
            ("bottleneck_layers", (self.bottleneck_layers,)),
            ("up_layers", self.up_layers),
        ):
            if any(each < 1 for each in layers):
                raise ArgumentError(f"{name} is {list(layers)}; a dense block has at least one layer")
