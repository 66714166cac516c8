"""`FeaturePyramidNetworkNeck`: the feature pyramid network of torchvision."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from isthmus.models.feature_checks import check_grids, require_grids
from isthmus.models.necks.base import Neck
from isthmus.specs.features import FeatureSpec


class FeaturePyramidNetworkNeck(Neck):
    """Merge a pyramid from the coarse to the fine end and give every level the same channels (Lin et al., 2017).

    Args:
        channel_list: the channels of the incoming features.
        out_channel: the channels of every outgoing feature.
        output_ordered_dict: hand out an `OrderedDict` with the keys feat0, feat1 and so on, as the detectors of
            torchvision take it, in place of a list.
    """

    def __init__(
        self,
        channel_list: list[int],
        out_channel: int = 256,
        output_ordered_dict: bool = False,
    ) -> None:
        from torchvision.ops import FeaturePyramidNetwork

        super().__init__(channel_list)
        self.out_channel = out_channel
        self.output_ordered_dict = output_ordered_dict
        self.fpn = FeaturePyramidNetwork(self.channel_list, out_channel)

    def process_channel_list(self, channel_list: list[int]) -> list[int]:
        """`out_channel` for every feature."""
        return [self.out_channel] * len(channel_list)

    def process_specs(self, specs: Sequence[FeatureSpec]) -> list[FeatureSpec]:
        """The same grids with other channels."""
        require_grids("FeaturePyramidNetworkNeck", specs)
        return [replace(spec, channels=self.out_channel) for spec in specs]

    def forward(  # type: ignore[override]
        self,
        features: list[Tensor],
        image_size: tuple[int, int] | None = None,
    ) -> list[Tensor] | OrderedDict[str, Tensor]:
        """Merge grids (batch, channels, height, width)."""
        check_grids("FeaturePyramidNetworkNeck", features)
        merged = self.fpn(OrderedDict((f"feat{place}", feature) for place, feature in enumerate(features)))
        return merged if self.output_ordered_dict else list(merged.values())
