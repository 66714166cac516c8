"""What flows between blocks: tensors that know their stride."""

from typing import NamedTuple

from torch import Tensor


class IntermediateFeature(NamedTuple):
    """A tensor `(batch, channels, height, width)` with the number of input pixels that one of its cells covers.

    Attributes:
        tensor: the feature.
        stride: input pixels per cell.
    """

    tensor: Tensor
    stride: int

    @property
    def scale(self) -> float:
        """The size of the feature relative to the input."""
        return 1.0 / float(self.stride)


class Handed(NamedTuple):
    """What an encoder block gives that hands on something else than it keeps for the skip connection.

    Attributes:
        on: what the next block gets, at the stride behind the block.
        skip: what the decoder is offered, at the stride in front of the block.
    """

    on: Tensor
    skip: Tensor


class StackOutput(NamedTuple):
    """What one stack of an encoder-decoder gives.

    Attributes:
        output: what its decoder gives.
        features: what went into each block of the decoder, from the coarsest on.
        prediction: what its head makes of the output; None where it has no head.
    """

    output: Tensor
    features: list[IntermediateFeature]
    prediction: Tensor | None
