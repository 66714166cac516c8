"""Pre-activation (He et al., 2016): normalise, cut off below zero, and convolve last."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from isthmus.blocks.normalization import BatchNorm2d

_REMEMBERED = partial(checkpoint, use_reentrant=False, preserve_rng_state=False)


class NormReLUConv(nn.Module):
    """Batch normalisation, ReLU and a convolution of several maps, whose channels are set beside one another.

    Args:
        in_channels: the channels of all the maps together.
        out_channels: the channels of the result.
        kernel_size: the size of the kernel, an odd number; the size of the map stays.
        checkpointing: whether nothing but the maps is kept for the backward pass in training. The channels set beside
            one another, normalised and cut off are then made again, which leaves the running statistics alone.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, checkpointing: bool = False) -> None:
        super().__init__()
        self.checkpointing = checkpointing
        self.norm = BatchNorm2d(in_channels)
        self.act = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2)
        he_uniform(self.conv)

    def forward(self, maps: Sequence[Float[Tensor, "batch _ height width"]]) -> Float[Tensor, "batch out height width"]:
        """Join the maps, normalise, cut off below zero, convolve."""
        if not (self.checkpointing and self.training):
            return self._convolved(*maps)
        if torch.compiler.is_compiling():  # it takes no context, and computes nothing again that changes a buffer
            result: Tensor = _REMEMBERED(self._convolved, *maps)
        else:
            result = _REMEMBERED(self._convolved, *maps, context_fn=self._contexts)
        return result

    def _convolved(self, *maps: Tensor) -> Tensor:
        joined = torch.cat(maps, dim=1) if len(maps) > 1 else maps[0]
        result: Tensor = self.conv(self.act(self.norm(joined)))
        return result

    def _contexts(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), self._statistics_left_alone()

    @contextmanager
    def _statistics_left_alone(self) -> Iterator[None]:
        buffers = dict(self.norm.named_buffers())
        for name, buffer in buffers.items():
            setattr(self.norm, name, buffer.clone())
        try:
            yield
        finally:
            for name, buffer in buffers.items():
                setattr(self.norm, name, buffer)


def he_uniform(layer: nn.Conv2d | nn.ConvTranspose2d) -> None:
    """Draw the kernel from the uniform distribution for ReLU (He et al., 2015), and set the bias to zero."""
    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
