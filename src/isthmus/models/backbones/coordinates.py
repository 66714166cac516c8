"""The encodings of when and where an image was taken, as in Prithvi-EO-2.0 (arXiv 2412.02732, section 3)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.models.backbones.sincos import sincos_1d


class CoordinateEncoder(nn.Module):
    """Embeds a pair of numbers: half of the channels for the first, half for the second, times one common scale.

    The pair is (year, day of the year) for a date and (latitude, longitude) in degrees for a place.

    Args:
        channels: the size of a token.
        learned_scale: whether the scale is trained, beginning at 0.1; otherwise it stays at one.
    """

    def __init__(self, channels: int, *, learned_scale: bool) -> None:
        super().__init__()
        self.channels = channels
        if learned_scale:
            self.scale = nn.Parameter(torch.full((1,), 0.1))
        else:
            self.register_buffer("scale", torch.ones(1))

    def forward(self, pairs: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch channels"]:
        """Embed pairs of numbers."""
        first = self.channels // 2
        halves = [sincos_1d(pairs[..., 0], first), sincos_1d(pairs[..., 1], self.channels - first)]
        return self.scale * torch.cat(halves, dim=-1)
