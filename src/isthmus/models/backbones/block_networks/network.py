"""The convolutional encoder-decoders of `isthmus.blocks` as encoders."""

import math
from collections.abc import Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor

from isthmus.blocks.encoder_decoder import EncoderDecoder
from isthmus.blocks.stack import Stack
from isthmus.errors import ArgumentError
from isthmus.models.backbones.encoder import Encoder
from isthmus.models.block_model import build_network
from isthmus.specs.features import FeatureSpec
from isthmus.specs.inputs import InputSpec


def block_features(
    network: str, in_chans: int = 3, out_indices: Sequence[int] | None = None, **arguments: Any
) -> "BlockFeatures":
    """Build a network and give the features of its last stack as a pyramid, the finest first.

    Args:
        network: its constructor, as `module:class` or `module:class.method`.
        in_chans: the number of bands.
        out_indices: which features to give, counted from the finest; None for all.
        arguments: of the constructor.

    Raises:
        ArgumentError: an argument has no valid value, or an index is not there.
    """
    return BlockFeatures(build_network(network, in_channels=in_chans, head_channels=None, **arguments), out_indices)


class BlockFeatures(Encoder):
    """What a network knows on its way up, as features: its output, and what went into each block of its decoder.

    The first feature has the output stride of the network, the last one its maximum stride.

    Args:
        network: the network; where it has stacks, the last of them counts.
        out_indices: which features to give, counted from the finest; None for all.

    Raises:
        ArgumentError: an index that is not there.
    """

    def __init__(self, network: EncoderDecoder, out_indices: Sequence[int] | None = None) -> None:
        channels, strides = _channels(network), _strides(network)
        count = len(channels)
        wrong = [index for index in out_indices or () if not -count <= index < count]
        if wrong:
            raise ArgumentError(f"out_indices {wrong} are not among the {count} features, 0 to {count - 1}")
        indices = [index % count for index in (range(count) if out_indices is None else out_indices)]
        super().__init__(
            InputSpec.of_image(network.in_channels, multiple=network.maximum_stride),
            [FeatureSpec(channels[index], stride=(strides[index], strides[index])) for index in indices],
        )
        self.out_indices, self.network = indices, network

    def forward(self, x: Float[Tensor, "batch bands height width"]) -> list[Float[Tensor, "batch channels h w"]]:
        """The chosen features of a batch of images.

        Raises:
            ShapeError: the network cannot take images of that size; multiples of its maximum stride always fit.
        """
        last = self.network(x)[-1]
        features = [last.output, *(feature.tensor for feature in reversed(last.features))]
        return [features[index] for index in self.out_indices]


def _channels(network: EncoderDecoder) -> list[int]:
    last = network.stack[-1]
    before = last.feature_channels if isinstance(last, Stack) else []
    return [network.out_channels, *reversed(before)]


def _strides(network: EncoderDecoder) -> list[float]:
    """The strides of the output and of what goes into each block of the decoder, the finest first."""
    steps = [block.upsampling_stride for block in network.decoder_stack]
    return [float(network.maximum_stride // math.prod(steps[:done])) for done in range(len(steps), -1, -1)]
