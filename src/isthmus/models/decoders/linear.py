"""`LinearDecoder`: a linear map from each cell of one feature to the pixels that it covers."""

from typing import Any

from torch import Tensor, nn

from isthmus.models.feature_checks import check_grids, check_indices, pick
from isthmus.specs.features import Requirement


class LinearDecoder(nn.Module):
    """Predict the pixels of each cell by one transposed convolution whose kernel is as large as its stride.

    It includes its head: the channels that come out are the classes.

    Args:
        channel_list: the channels of the features.
        num_classes: how many classes there are.
        upsampling_size: how many pixels a cell is high and wide.
        in_index: which feature to work on; negative ones count from the end.

    Raises:
        CompositionError: `in_index` is out of range.
    """

    includes_head = True

    def __init__(self, channel_list: list[int], num_classes: int, upsampling_size: int, in_index: int = -1) -> None:
        super().__init__()
        check_indices("LinearDecoder", [in_index], len(channel_list))
        self.in_index = in_index
        self.out_channels = num_classes
        self.conv = nn.ConvTranspose2d(channel_list[in_index], num_classes, upsampling_size, upsampling_size)
        self.requirement = self.requirement_for()

    @staticmethod
    def requirement_for(**_: Any) -> Requirement:
        """It takes grids of any stride."""
        return Requirement()

    def forward(self, features: list[Tensor]) -> Tensor:
        """From grids (batch, channels, height, width) to class scores, `upsampling_size` times as fine."""
        grid = pick("LinearDecoder", features, self.in_index)
        check_grids("LinearDecoder", [grid])
        scores: Tensor = self.conv(grid)
        return scores
