"""LEAP's convolutional network (Pereira et al., 2019), generalised and as it was published."""

from torch import nn

from isthmus.blocks.base import DecoderBlock, EncoderBlock
from isthmus.blocks.encoder_decoder import EncoderDecoder
from isthmus.blocks.same import SameConvTranspose2d
from isthmus.blocks.simple import SimpleConvBlock
from isthmus.blocks.simple_upsampling import SimpleUpsamplingBlock
from isthmus.blocks.strides import halvings


class LeapCNN(EncoderDecoder):
    """Convolutions and poolings down, upsampling and convolutions up, without skip connections.

    The generalisation that SLEAP makes of LEAP's network (Pereira et al., 2022); `published` makes the original. The
    channels of a level are `filters * filters_rate ** level`; the way up ends at the second of them.

    Args:
        in_channels: the channels of the images.
        filters: the channels of the first level.
        filters_rate: by how much they grow from level to level.
        down_blocks: poolings.
        down_convs_per_block: convolutions in front of each of them.
        up_blocks: upsamplings.
        up_interpolate: go up by bilinear interpolation; by transposed convolution otherwise.
        up_convs_per_block: convolutions behind each of them.
        stacks: how often encoder and decoder are repeated.
        head_channels: see `EncoderDecoder`.
        pad: see `EncoderDecoder`.
        input_stride: see `EncoderDecoder`.

    Raises:
        ArgumentError: more levels up than down, or an asymmetry that stacks do not allow.
    """

    def __init__(
        self,
        in_channels: int = 3,
        filters: int = 64,
        filters_rate: float = 2,
        down_blocks: int = 3,
        down_convs_per_block: int = 3,
        up_blocks: int = 3,
        up_interpolate: bool = False,
        up_convs_per_block: int = 2,
        stacks: int = 1,
        *,
        head_channels: int | None = None,
        pad: bool = False,
        input_stride: int = 1,
    ) -> None:
        self.filters, self.filters_rate = filters, filters_rate
        self.down_blocks, self.down_convs_per_block = down_blocks, down_convs_per_block
        self.up_blocks, self.up_convs_per_block = up_blocks, up_convs_per_block
        self.up_interpolate = up_interpolate
        super().__init__(in_channels, stacks, head_channels=head_channels, pad=pad, input_stride=input_stride)

    @classmethod
    def from_config(
        cls,
        in_channels: int = 3,
        *,
        max_stride: int = 8,
        output_stride: int = 1,
        filters: int = 64,
        filters_rate: float = 2,
        up_interpolate: bool = False,
        stacks: int = 1,
        head_channels: int | None = None,
        pad: bool = False,
    ) -> "LeapCNN":
        """The network in terms of strides.

        Raises:
            ArgumentError: strides that are no powers of two or contradict one another.
        """
        return cls(
            in_channels,
            filters,
            filters_rate,
            down_blocks=halvings("max_stride", max_stride),
            up_blocks=halvings("max_stride", max_stride, "output_stride", output_stride),
            up_interpolate=up_interpolate,
            stacks=stacks,
            head_channels=head_channels,
            pad=pad,
        )

    @classmethod
    def published(cls, in_channels: int = 1, head_channels: int | None = 32, *, pad: bool = False) -> "LeapCNN":
        """The network of the paper: two poolings, and a transposed convolution as its head (32 points of a fly)."""
        return _PublishedLeapCNN(in_channels, down_blocks=3, up_blocks=1, head_channels=head_channels, pad=pad)

    @property
    def encoder_stack(self) -> list[EncoderBlock]:
        """The way down."""
        return [
            SimpleConvBlock(num_convs=self.down_convs_per_block, filters=self.channels_at(level))
            for level in range(self.down_blocks)
        ]

    @property
    def decoder_stack(self) -> list[DecoderBlock]:
        """The way up."""
        return [
            leap_up_block(self.channels_at(level), self.up_convs_per_block, self.up_interpolate)
            for level in range(self.up_blocks, 0, -1)
        ]

    def channels_at(self, level: int) -> int:
        """The channels of a level, counted from that of the image."""
        return int(self.filters * self.filters_rate**level)


class _PublishedLeapCNN(LeapCNN):
    """LEAP's own network: the last level is not pooled, and the head makes the last step up."""

    @property
    def encoder_stack(self) -> list[EncoderBlock]:
        """Three levels of three convolutions, with a pooling behind the first two."""
        return [
            SimpleConvBlock(num_convs=3, filters=self.channels_at(level), pool=level < 2)
            for level in range(self.down_blocks)
        ]

    head_upsampling = 2

    def make_head(self, in_channels: int, head_channels: int) -> nn.Module:
        """A transposed convolution that makes maps as fine as the image."""
        return SameConvTranspose2d(in_channels, head_channels, 3, 2)


def leap_up_block(filters: int, convs_per_block: int = 2, up_interpolate: bool = False) -> SimpleUpsamplingBlock:
    """A level of the way up: upsampling and convolutions, without a skip connection."""
    return SimpleUpsamplingBlock(
        transposed_conv=not up_interpolate,
        transposed_conv_filters=filters,
        transposed_conv_batch_norm=False,
        refine_convs=convs_per_block,
        refine_convs_filters=filters,
        refine_convs_batch_norm=False,
    )
