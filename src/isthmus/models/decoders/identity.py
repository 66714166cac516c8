"""`IdentityDecoder`: one of the features as it is."""

from typing import Any

from torch import Tensor, nn

from isthmus.models.feature_checks import check_indices, pick
from isthmus.specs.features import Layout, Requirement


class IdentityDecoder(nn.Module):
    """Hand one feature on to the head.

    Args:
        channel_list: the channels of the features.
        out_index: which feature; negative ones count from the end.

    Raises:
        CompositionError: `out_index` is out of range.
    """

    def __init__(self, channel_list: list[int], out_index: int = -1) -> None:
        super().__init__()
        check_indices("IdentityDecoder", [out_index], len(channel_list))
        self.out_index = out_index
        self.out_channels = channel_list[out_index]
        self.requirement = self.requirement_for()

    @staticmethod
    def requirement_for(**_: Any) -> Requirement:
        """It takes anything."""
        return Requirement(layouts=frozenset(Layout))

    def forward(self, features: list[Tensor]) -> Tensor:
        """The chosen feature."""
        return pick("IdentityDecoder", features, self.out_index)
