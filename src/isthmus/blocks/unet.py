"""U-Net (Ronneberger, Fischer and Brox, 2015) in the generic pattern."""

from dataclasses import replace

from isthmus.blocks.base import DecoderBlock, EncoderBlock
from isthmus.blocks.encoder_decoder import EncoderDecoder
from isthmus.blocks.simple import PoolingBlock, SimpleConvBlock
from isthmus.blocks.simple_upsampling import SimpleUpsamplingBlock
from isthmus.blocks.strides import halvings


class UNet(EncoderDecoder):
    """A U-Net: convolutions and poolings down, upsampling and convolutions up, each level joined with its partner.

    Other than the original it keeps the size of the map in convolutions, and goes up by 3 x 3 transposed convolutions
    or by interpolation (Pereira et al., 2022). The channels of a level are `filters * filters_rate ** level`, cut off
    to a whole number.

    Args:
        in_channels: the channels of the images.
        filters: the channels of the first level.
        filters_rate: by how much they grow from level to level.
        kernel_size: the size of the kernels.
        stem_kernel_size: the size of the kernels of the stem.
        convs_per_block: convolutions at each level.
        stem_blocks: levels of the stem.
        down_blocks: levels of the encoder.
        middle_block: whether there are convolutions at the coarsest level.
        up_blocks: levels of the decoder.
        up_interpolate: go up by bilinear interpolation; by transposed convolution otherwise.
        block_contraction: lower the channels already at the end of a level.
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
        kernel_size: int = 3,
        stem_kernel_size: int = 3,
        convs_per_block: int = 2,
        stem_blocks: int = 0,
        down_blocks: int = 4,
        middle_block: bool = True,
        up_blocks: int = 4,
        up_interpolate: bool = False,
        block_contraction: bool = False,
        stacks: int = 1,
        *,
        head_channels: int | None = None,
        pad: bool = False,
        input_stride: int = 1,
    ) -> None:
        self.filters, self.filters_rate = filters, filters_rate
        self.kernel_size, self.stem_kernel_size = kernel_size, stem_kernel_size
        self.convs_per_block = convs_per_block
        self.stem_blocks, self.down_blocks, self.up_blocks = stem_blocks, down_blocks, up_blocks
        self.middle_block, self.up_interpolate = middle_block, up_interpolate
        self.block_contraction = block_contraction
        super().__init__(in_channels, stacks, head_channels=head_channels, pad=pad, input_stride=input_stride)

    @classmethod
    def from_config(
        cls,
        in_channels: int = 3,
        *,
        stem_stride: int | None = None,
        max_stride: int = 16,
        output_stride: int = 1,
        filters: int = 64,
        filters_rate: float = 2,
        kernel_size: int = 3,
        convs_per_block: int = 2,
        middle_block: bool = True,
        up_interpolate: bool = False,
        stacks: int = 1,
        head_channels: int | None = None,
        pad: bool = False,
    ) -> "UNet":
        """A U-Net in terms of strides; its stem, if it has one, has 7 x 7 kernels.

        Raises:
            ArgumentError: strides that are no powers of two or contradict one another.
        """
        stem = halvings("stem_stride", stem_stride or 1)
        return cls(
            in_channels,
            filters,
            filters_rate,
            kernel_size,
            stem_kernel_size=7,
            convs_per_block=convs_per_block,
            stem_blocks=stem,
            down_blocks=halvings("max_stride", max_stride, "stem_stride", stem_stride or 1),
            middle_block=middle_block,
            up_blocks=halvings("max_stride", max_stride, "output_stride", output_stride),
            up_interpolate=up_interpolate,
            stacks=stacks,
            head_channels=head_channels,
            pad=pad,
        )

    @property
    def stem_stack(self) -> list[EncoderBlock] | None:
        """Convolutions with larger kernels, before the encoder begins."""
        if not self.stem_blocks:
            return None
        return [*(self._level(index, self.stem_kernel_size) for index in range(self.stem_blocks)), PoolingBlock()]

    @property
    def encoder_stack(self) -> list[EncoderBlock]:
        """The contracting path and the convolutions at the coarsest level."""
        levels = [
            self._level(index, self.kernel_size, self.channels_at(index + self.stem_blocks))
            for index in range(self.down_blocks)
        ]
        return [*levels, PoolingBlock(), *self._middle()]

    @property
    def decoder_stack(self) -> list[DecoderBlock]:
        """The expanding path."""
        return [self._up(self.down_blocks + self.stem_blocks - 1 - index) for index in range(self.up_blocks)]

    def channels_at(self, level: int) -> int:
        """The channels of a level, counted from that of the image."""
        return int(self.filters * self.filters_rate**level)

    def _level(self, index: int, kernel_size: int, filters: int | None = None) -> SimpleConvBlock:
        return SimpleConvBlock(
            pool=index > 0,
            pool_before_convs=True,
            num_convs=self.convs_per_block,
            filters=self.channels_at(index) if filters is None else filters,
            kernel_size=kernel_size,
        )

    def _middle(self) -> list[EncoderBlock]:
        if not self.middle_block:
            return []
        level = self.down_blocks + self.stem_blocks
        parts = [("_middle_expand", self.convs_per_block - 1, level), ("_middle_contract", 1, self._narrowed(level))]
        return [
            SimpleConvBlock(
                pool=False,
                block_prefix=prefix,
                num_convs=count,
                filters=self.channels_at(at),
                kernel_size=self.kernel_size,
            )
            for prefix, count, at in parts
            if count > 0
        ]

    def _up(self, level: int) -> SimpleUpsamplingBlock:
        block = unet_up_block(self.channels_at(level), self.kernel_size, self.convs_per_block, self.up_interpolate)
        return replace(block, refine_convs_filters=self.channels_at(self._narrowed(level)))

    def _narrowed(self, level: int) -> int:
        return level - 1 if self.block_contraction else level


def unet_up_block(
    filters: int, kernel_size: int = 3, convs_per_block: int = 2, up_interpolate: bool = False
) -> SimpleUpsamplingBlock:
    """A level of the expanding path: upsampling, the skip connection beside it, and convolutions."""
    return SimpleUpsamplingBlock(
        transposed_conv=not up_interpolate,
        transposed_conv_filters=filters,
        transposed_conv_kernel_size=kernel_size,
        transposed_conv_batch_norm=False,
        skip_connection=True,
        refine_convs=convs_per_block,
        refine_convs_first_filters=filters,
        refine_convs_filters=filters,
        refine_convs_kernel_size=kernel_size,
        refine_convs_batch_norm=False,
    )
