"""`SegmentationHead`: class scores for every pixel."""

import itertools

from jaxtyping import Float
from torch import Tensor, nn


class SegmentationHead(nn.Module):
    """A 1x1 convolution to the classes, behind an optional stack of 3x3 convolutions.

    Args:
        in_channels: the channels of the feature map.
        num_classes: how many classes there are.
        channel_list: the channels of 3x3 convolutions, each with a ReLU, in front.
        dropout: how many of the values in front of the last convolution are dropped while training.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        channel_list: list[int] | None = None,
        dropout: float | int = 0,
    ) -> None:
        super().__init__()
        widths = [in_channels, *(channel_list or [])]
        self.head = nn.Sequential(
            nn.Sequential(
                *(
                    nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.ReLU())
                    for before, after in itertools.pairwise(widths)
                )
            ),
            nn.Dropout(dropout),
            nn.Conv2d(widths[-1], num_classes, 1),
        )

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch classes height width"]:
        """Score every class at every pixel (logits)."""
        scores: Tensor = self.head(x)
        return scores
