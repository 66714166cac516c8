"""One stack: encoder, bottleneck, decoder, and the skip connections between them."""

from collections.abc import Sequence

from torch import Tensor, nn

from isthmus.blocks.base import DecoderBlock, EncoderBlock
from isthmus.blocks.intermediate import Handed, IntermediateFeature
from isthmus.blocks.route import STEM, Route, stride_behind
from isthmus.errors import CompositionError


class Stack(nn.Module):
    """Down and up once.

    Args:
        in_channels: the channels of the incoming map.
        stem_channels: the channels behind the stem; what skip connections to it have.
        encoder: the blocks that lead down.
        bottleneck: the blocks between.
        decoder: the blocks that lead up.
        tail: the blocks behind the decoder.
        route: the way through it.
        stride: the stride of the incoming map.
    """

    def __init__(
        self,
        in_channels: int,
        stem_channels: int,
        *,
        encoder: Sequence[EncoderBlock],
        bottleneck: Sequence[EncoderBlock],
        decoder: Sequence[DecoderBlock],
        tail: Sequence[EncoderBlock],
        route: Route,
        stride: int,
    ) -> None:
        super().__init__()
        self.route, self.stride, self.encoder_stride = route, stride, stride * stride_behind(encoder)
        self.upsampling_strides = [block.upsampling_stride for block in decoder]
        self.encoder = build_in_turn(encoder, in_channels)
        self.bottleneck = build_in_turn(bottleneck, last_channels(self.encoder, in_channels))
        channels = last_channels(self.bottleneck, last_channels(self.encoder, in_channels))
        self.encoder_channels = channels
        offered = [stem_channels if index == STEM else _skip_channels(self.encoder[index]) for index in route.kept]
        self.decoder = nn.ModuleList()
        for block, source in zip(decoder, route.sources, strict=True):
            module = block.build(channels, None if source is None else offered[source])
            self.decoder.append(module)
            channels = channels_of(module)
        self.tail = build_in_turn(tail, channels)
        self.out_channels = last_channels(self.tail, channels)

    @property
    def feature_channels(self) -> list[int]:
        """The channels of what goes into each block of the decoder."""
        behind = [channels_of(module) for module in self.decoder]
        return [self.encoder_channels, *behind][: len(behind)]

    @property
    def joins(self) -> bool:
        """Whether any block of the decoder looks at its skip connection."""
        return any(
            module.uses_skip and source is not None
            for module, source in zip(self.decoder, self.route.sources, strict=True)
        )

    def forward(self, x: Tensor, stem: Tensor) -> tuple[Tensor, list[IntermediateFeature]]:
        """Go down and up.

        Args:
            x: the map `(batch, channels, height, width)`.
            stem: what the stem gave; what skip connections to it take, in every stack.

        Returns:
            The output, and what went into each block of the decoder.
        """
        outputs: list[Tensor] = []
        for block in self.encoder:
            given = block(x)
            x, skip = given if isinstance(given, Handed) else (given, given)
            outputs.append(skip)
        for block in self.bottleneck:
            x = block(x)
        offered = [stem if index == STEM else outputs[index] for index in self.route.kept]
        features: list[IntermediateFeature] = []
        stride = self.encoder_stride
        for block, source, step in zip(self.decoder, self.route.sources, self.upsampling_strides, strict=True):
            features.append(IntermediateFeature(x, stride))
            x = block(x, None if source is None else offered[source])
            stride //= step
        for block in self.tail:
            x = block(x)
        return x, features


def build_in_turn(blocks: Sequence[EncoderBlock], in_channels: int) -> nn.ModuleList:
    """The modules of blocks that follow one another."""
    modules = nn.ModuleList()
    for block in blocks:
        modules.append(block.build(last_channels(modules, in_channels)))
    return modules


def last_channels(modules: nn.ModuleList, in_channels: int) -> int:
    """The channels behind the last of the modules; `in_channels` where there is none."""
    return channels_of(modules[-1]) if len(modules) else in_channels


def channels_of(module: nn.Module) -> int:
    """The channels that a block gives.

    Raises:
        CompositionError: it does not say.
    """
    channels = getattr(module, "out_channels", None)
    if not isinstance(channels, int):
        raise CompositionError(f"{type(module).__name__} must say in out_channels how many channels it gives")
    return channels


def _skip_channels(module: nn.Module) -> int:
    channels = getattr(module, "skip_channels", None)
    return channels if isinstance(channels, int) else channels_of(module)
