"""`AddBottleneckLayer`: one more feature, with half the channels."""

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor, nn

from isthmus.errors import CompositionError
from isthmus.models.feature_checks import check_grids, require_grids
from isthmus.models.necks.base import Neck
from isthmus.specs.features import FeatureSpec


class AddBottleneckLayer(Neck):
    """Append a 1x1 convolution of the last feature that halves its channels.

    Args:
        channel_list: the channels of the incoming features.

    Raises:
        CompositionError: there is no feature, or the last has a single channel.
    """

    def __init__(self, channel_list: list[int]) -> None:
        super().__init__(channel_list)
        if not channel_list or channel_list[-1] < 2:
            raise CompositionError(
                f"AddBottleneckLayer halves the channels of the last feature, but is given the channels {channel_list}"
            )
        self.bottleneck = nn.Conv2d(channel_list[-1], channel_list[-1] // 2, 1)

    def process_channel_list(self, channel_list: list[int]) -> list[int]:
        """The same channels and half of the last."""
        return [*channel_list, channel_list[-1] // 2]

    def process_specs(self, specs: Sequence[FeatureSpec]) -> list[FeatureSpec]:
        """The same features and one more of the last stride."""
        require_grids("AddBottleneckLayer", specs)
        return [*specs, replace(specs[-1], channels=specs[-1].channels // 2)]

    def forward(self, features: list[Tensor], image_size: tuple[int, int] | None = None) -> list[Tensor]:
        """Append to grids (batch, channels, height, width)."""
        check_grids("AddBottleneckLayer", features)
        return [*features, self.bottleneck(features[-1])]
