"""Attention over channels and cells."""

from jaxtyping import Float
from torch import Tensor, nn


class SpatialChannelAttention(nn.Module):
    """Concurrent spatial and channel squeeze and excitation, scSE (Roy et al., 2018).

    Args:
        channels: the channels of the map.
        reduction: how much narrower the channel attention is in the middle.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        narrow = max(1, channels // reduction)
        self.attention = nn.ModuleDict(
            {
                "cSE": nn.Sequential(
                    nn.AdaptiveAvgPool2d(1),
                    nn.Conv2d(channels, narrow, 1),
                    nn.ReLU(inplace=True),
                    nn.Conv2d(narrow, channels, 1),
                    nn.Sigmoid(),
                ),
                "sSE": nn.Sequential(nn.Conv2d(channels, 1, 1), nn.Sigmoid()),
            }
        )

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels height width"]:
        """Weigh the channels and the cells, and add both results."""
        weighed: Tensor = x * self.attention["cSE"](x) + x * self.attention["sSE"](x)
        return weighed
