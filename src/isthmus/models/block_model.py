"""`BlockModel`: a convolutional encoder-decoder with heads of its own as a whole model."""

import importlib
from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from isthmus.blocks.encoder_decoder import EncoderDecoder
from isthmus.errors import CompositionError, ShapeError
from isthmus.models.base import Model, ModelOutput


class BlockModel(Model):
    """A network of stacks with a head each: the last one predicts, those before it are supervised too.

    The predictions of the earlier stacks are auxiliary outputs called `stack0`, `stack1` and so on.

    Args:
        network: the network; it has heads.
        rescale: whether a prediction of a coarser stride is resized to the image (bilinear).
        squeeze_channel: whether a prediction with one channel loses that axis.

    Raises:
        CompositionError: the network has no heads.
    """

    def __init__(self, network: EncoderDecoder, *, rescale: bool = True, squeeze_channel: bool = False) -> None:
        super().__init__()
        if network.head_channels is None:
            raise CompositionError(f"{type(network).__name__} was built without heads; give it head_channels")
        self.network = network
        self.stride = network.prediction_stride
        self.rescale, self.squeeze_channel = rescale, squeeze_channel
        self.auxiliary_weights = {f"stack{index}": 1.0 for index in range(network.stacks - 1)}

    @property
    def encoder(self) -> EncoderDecoder:
        """What takes the images."""
        return self.network

    def forward(self, x: Any, **_: Any) -> ModelOutput:
        """Predict for a batch of images `(B, C, H, W)`; what else a sample holds is left aside.

        Raises:
            ShapeError: the images have another number of axes, or a size that the network does not take.
        """
        if not isinstance(x, Tensor) or x.ndim != 4:
            given = f"the shape {tuple(x.shape)}" if isinstance(x, Tensor) else f"a {type(x).__name__}"
            raise ShapeError(f"{type(self.network).__name__} takes images (B, C, H, W), but is given {given}")
        predictions = [self._finish(each.prediction, x) for each in self.network(x)]
        return ModelOutput(predictions[-1], dict(zip(self.auxiliary_weights, predictions[:-1], strict=True)))

    def freeze_encoder(self) -> None:
        """Stop training the stem, and the encoder and the bottleneck of every stack."""
        self.freeze("network.stem", *self._in_every_stack("encoder", "bottleneck"))

    def freeze_decoder(self) -> None:
        """Stop training the decoder of every stack, and what leads from one stack to the next."""
        self.freeze("network.merges", *self._in_every_stack("decoder", "tail"))

    def freeze_head(self) -> None:
        """Stop training the heads."""
        self.freeze("network.heads")

    def named_parts(self) -> Iterator[tuple[str, nn.Module]]:
        """The parts in the order in which data flows: block by block, or where there are several, stack by stack."""
        yield from ((f"stem.{name}", block) for name, block in self.network.stem.named_children())
        if self.network.stacks == 1:
            for group, blocks in self.network.stack[0].named_children():
                yield from ((f"{group}.{name}", block) for name, block in blocks.named_children())
            yield "head", self.network.heads[0]
            return
        for kind in ("stack", "heads", "merges"):
            yield from ((f"{kind}.{name}", part) for name, part in getattr(self.network, kind).named_children())

    def _finish(self, prediction: Tensor, images: Tensor) -> Tensor:
        """Resize the prediction to the images, without what reaches beyond them, and drop a lone channel."""
        stride = self.stride
        height, width = images.shape[-2:]
        prediction = prediction[..., : -(-height // stride), : -(-width // stride)]
        if self.rescale and stride > 1:
            size = prediction.shape[-2] * stride, prediction.shape[-1] * stride
            prediction = functional.interpolate(prediction, size=size, mode="bilinear")[..., :height, :width]
        return prediction.squeeze(1) if self.squeeze_channel and prediction.shape[1] == 1 else prediction

    def _in_every_stack(self, *parts: str) -> list[str]:
        return [f"network.stack.{index}.{part}" for index in range(self.network.stacks) for part in parts]


def block_network(network: str, num_outputs: int, in_chans: int = 3, **arguments: Any) -> EncoderDecoder:
    """Build a network with heads.

    Args:
        network: its constructor, as `module:class` or `module:class.method`.
        num_outputs: the channels of a prediction.
        in_chans: the number of bands.
        arguments: of the constructor.
    """
    return build_network(network, in_channels=in_chans, head_channels=num_outputs, **arguments)


def build_network(network: str, **arguments: Any) -> EncoderDecoder:
    """Build a network by its constructor, as `module:class` or `module:class.method`."""
    module, _, path = network.partition(":")
    constructor: Any = importlib.import_module(module)
    for name in path.split("."):
        constructor = getattr(constructor, name)
    built: EncoderDecoder = constructor(**arguments)
    return built
