"""Which strides a network has, and which feature each block of its decoder is joined with."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from isthmus.blocks.base import DecoderBlock, EncoderBlock
from isthmus.errors import ArgumentError

STEM = -1


@dataclass(frozen=True, slots=True)
class Route:
    """The way through one stack, known before any module is built.

    Attributes:
        kept: which features the decoder is offered: the index of an encoder block, or `STEM`.
        strides: the stride of each of them.
        sources: for each block of the decoder, which of `kept` it is joined with; None for none.
    """

    kept: tuple[int, ...]
    strides: tuple[int, ...]
    sources: tuple[int | None, ...]


def stride_behind(blocks: Sequence[EncoderBlock]) -> int:
    """How many times coarser a map is behind all of the blocks."""
    return math.prod(block.stride for block in blocks)


def find_route(
    stem: Sequence[EncoderBlock] | None, encoder: Sequence[EncoderBlock], decoder: Sequence[DecoderBlock]
) -> Route:
    """Find the way through a stack.

    The decoder is offered what blocks keep for the skip connection on purpose, then the output of the stem, if there
    is one, and of the encoder the first feature at each new stride but the last of these. A block of the decoder takes
    the first that has the stride it leads to.

    Raises:
        ArgumentError: the decoder raises the resolution above that of the image.
    """
    first = stride_behind(stem or [])
    on_purpose, in_passing = _encoder_features(encoder, first)
    offered = [*on_purpose, *([] if stem is None else [(STEM, first)]), *in_passing]
    kept, strides = [index for index, _ in offered], [at for _, at in offered]
    stride, sources = first * stride_behind(encoder), list[int | None]()
    for block in decoder:
        if stride % block.upsampling_stride:
            raise ArgumentError(
                f"the decoder divides a stride of {stride} by {block.upsampling_stride}: it goes up further than the "
                "stem and the encoder go down"
            )
        stride //= block.upsampling_stride
        sources.append(strides.index(stride) if stride in strides else None)
    return Route(tuple(kept), tuple(strides), tuple(sources))


def _encoder_features(
    encoder: Sequence[EncoderBlock], stride: int
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    on_purpose, in_passing = list[tuple[int, int]](), list[tuple[int, int]]()
    for index, block in enumerate(encoder):
        in_front, stride = stride, stride * block.stride
        if block.keeps_skip:
            on_purpose.append((index, in_front))
        elif stride not in (at for _, at in in_passing):
            in_passing.append((index, stride))
    last_is_plain = bool(encoder) and not encoder[-1].keeps_skip
    return on_purpose, in_passing[:-1] if last_is_plain else in_passing
