"""Stacked hourglass networks: SLEAP's simplified one, and the one of Newell, Yang and Deng (2016)."""

from isthmus.blocks.base import DecoderBlock, EncoderBlock, StackMerge
from isthmus.blocks.encoder_decoder import EncoderDecoder
from isthmus.blocks.hourglass_blocks import HourglassDownBlock, HourglassStemBlock, HourglassUpBlock
from isthmus.blocks.residual import ConvNormBlock, ProjectedSumMerge, ResidualBlock, ResidualUpBlock
from isthmus.blocks.strides import halvings


class StackedHourglass(EncoderDecoder):
    """Hourglasses of single convolutions, one behind the other, whose levels are joined by sums.

    The simplification that SLEAP takes from associative embedding (Newell et al., 2017; Pereira et al., 2022);
    `published` makes the residual original. The channels of a level are `filters + level * filter_increase`.

    Args:
        in_channels: the channels of the images.
        down_blocks: levels down.
        up_blocks: levels up.
        stem_filters: the channels of the first convolution.
        stem_stride: the stride behind the stem: 1, 2 or 4.
        filters: the channels of the first level.
        filter_increase: by how much they grow from level to level.
        interp_method: how to go up: "nearest", "bilinear" or "bicubic".
        stacks: how many hourglasses.
        head_channels: see `EncoderDecoder`.
        pad: see `EncoderDecoder`.
        input_stride: see `EncoderDecoder`.

    Raises:
        ArgumentError: another stride of the stem, an unknown interpolation, or an asymmetry that stacks do not allow.
        CompositionError: more levels up than down.
    """

    def __init__(
        self,
        in_channels: int = 3,
        down_blocks: int = 4,
        up_blocks: int = 4,
        stem_filters: int = 128,
        stem_stride: int = 4,
        filters: int = 256,
        filter_increase: int = 128,
        interp_method: str = "nearest",
        stacks: int = 3,
        *,
        head_channels: int | None = None,
        pad: bool = False,
        input_stride: int = 1,
    ) -> None:
        self.down_blocks, self.up_blocks = down_blocks, up_blocks
        self.stem_filters, self.stem_stride = stem_filters, stem_stride
        self.filters, self.filter_increase = filters, filter_increase
        self.interp_method = interp_method
        super().__init__(in_channels, stacks, head_channels=head_channels, pad=pad, input_stride=input_stride)

    @classmethod
    def from_config(
        cls,
        in_channels: int = 3,
        *,
        stem_stride: int = 4,
        max_stride: int = 64,
        output_stride: int = 4,
        stem_filters: int = 128,
        filters: int = 256,
        filter_increase: int = 128,
        stacks: int = 3,
        head_channels: int | None = None,
        pad: bool = False,
    ) -> "StackedHourglass":
        """The network in terms of strides.

        Raises:
            ArgumentError: strides that are no powers of two or contradict one another.
        """
        halvings("output_stride", output_stride, "stem_stride", stem_stride)
        return cls(
            in_channels,
            halvings("max_stride", max_stride, "stem_stride", stem_stride),
            halvings("max_stride", max_stride, "output_stride", output_stride),
            stem_filters,
            stem_stride,
            filters,
            filter_increase,
            stacks=stacks,
            head_channels=head_channels,
            pad=pad,
        )

    @classmethod
    def published(
        cls, in_channels: int = 3, stacks: int = 8, head_channels: int | None = 16, *, pad: bool = False
    ) -> "StackedHourglass":
        """The network of the 2016 paper, whose stacks get the predictions of those before (16 joints of a person).

        Without heads, the features alone are handed on.
        """
        return ResidualHourglass(in_channels, stacks=stacks, head_channels=head_channels, pad=pad)

    @property
    def stem_stack(self) -> list[EncoderBlock]:
        """Three convolutions with a pooling between."""
        return [
            HourglassStemBlock(
                pooling_stride=self.stem_stride, filters=self.stem_filters, output_filters=self.channels_at(0)
            )
        ]

    @property
    def encoder_stack(self) -> list[EncoderBlock]:
        """The way down."""
        return [HourglassDownBlock(filters=self.channels_at(level)) for level in range(self.down_blocks)]

    @property
    def decoder_stack(self) -> list[DecoderBlock]:
        """The way up."""
        return [
            HourglassUpBlock(filters=self.channels_at(level), interp_method=self.interp_method)
            for level in self._levels_up()
        ]

    def channels_at(self, level: int) -> int:
        """The channels of a level, counted from that behind the stem."""
        return self.filters + level * self.filter_increase

    def _levels_up(self) -> range:
        return range(self.down_blocks - 1, self.down_blocks - 1 - self.up_blocks, -1)


class ResidualHourglass(StackedHourglass):
    """The hourglass network of the 2016 paper: residual bottlenecks throughout, and predictions that are fed back."""

    def __init__(
        self,
        in_channels: int = 3,
        levels: int = 4,
        filters: int = 256,
        stacks: int = 8,
        *,
        head_channels: int | None = 16,
        pad: bool = False,
    ) -> None:
        super().__init__(
            in_channels,
            levels,
            levels,
            filters // 4,
            4,
            filters,
            0,
            stacks=stacks,
            head_channels=head_channels,
            pad=pad,
        )

    @property
    def stem_stack(self) -> list[EncoderBlock]:
        """A 7 x 7 convolution of stride 2, and three bottlenecks, a pooling in front of the second."""
        return [
            ConvNormBlock(filters=self.filters // 4, kernel_size=7),
            ResidualBlock(pool=False, filters=self.filters // 2),
            ResidualBlock(filters=self.filters // 2),
            ResidualBlock(pool=False, filters=self.filters),
        ]

    @property
    def encoder_stack(self) -> list[EncoderBlock]:
        """A pooling and a bottleneck per level; the map in front of them is kept."""
        return [ResidualBlock(keeps_skip=True, filters=self.filters) for _ in range(self.down_blocks)]

    @property
    def bottleneck_stack(self) -> list[EncoderBlock]:
        """A bottleneck at the coarsest stride."""
        return [ResidualBlock(pool=False, filters=self.filters)]

    @property
    def decoder_stack(self) -> list[DecoderBlock]:
        """The way up."""
        return [ResidualUpBlock(filters=self.filters) for _ in range(self.up_blocks)]

    @property
    def tail_stack(self) -> list[EncoderBlock]:
        """A bottleneck and a 1 x 1 convolution."""
        return [ResidualBlock(pool=False, filters=self.filters), ConvNormBlock(pool=False, filters=self.filters)]

    @property
    def stack_merge(self) -> StackMerge:
        """Input, output and prediction, added up."""
        return ProjectedSumMerge()
