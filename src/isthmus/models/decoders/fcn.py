"""`FCNDecoder`: a stack of transposed convolutions over one feature."""

from typing import Any

from torch import Tensor, nn

from isthmus.blocks.normalization import LayerNorm2d
from isthmus.errors import ArgumentError
from isthmus.models.feature_checks import check_grids, check_indices, pick
from isthmus.specs.features import Requirement


class FCNDecoder(nn.Module):
    """Make one grid finer, twice as fine with each step, as fully convolutional networks do (Long et al., 2015).

    Each step is a transposed convolution, a 3x3 convolution, layer normalisation and GELU.

    Args:
        channel_list: the channels of the features.
        channels: the channels of every step.
        num_convs: how many steps there are.
        in_index: which feature to work on; negative ones count from the end.

    Raises:
        ArgumentError: `num_convs` is not positive.
        CompositionError: `in_index` is out of range.
    """

    def __init__(self, channel_list: list[int], channels: int = 256, num_convs: int = 4, in_index: int = -1) -> None:
        super().__init__()
        if num_convs < 1:
            raise ArgumentError(f"FCNDecoder: num_convs is {num_convs}, but must be at least 1")
        check_indices("FCNDecoder", [in_index], len(channel_list))
        self.in_index = in_index
        self.out_channels = channels
        widths = [channel_list[in_index]] + [channels] * num_convs
        self.convs = nn.Sequential(*(_step(before, channels) for before in widths[:-1]))
        self.requirement = self.requirement_for()

    @staticmethod
    def requirement_for(**_: Any) -> Requirement:
        """It takes grids of any stride."""
        return Requirement()

    def forward(self, features: list[Tensor]) -> Tensor:
        """From grids (batch, channels, height, width) to one, 2 ** num_convs times as fine."""
        grid = pick("FCNDecoder", features, self.in_index)
        check_grids("FCNDecoder", [grid])
        finer: Tensor = self.convs(grid)
        return finer


def _step(in_channels: int, channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, channels, 2, 2),
        nn.Conv2d(channels, channels, 3, padding=1),
        LayerNorm2d(channels),
        nn.GELU(),
    )
