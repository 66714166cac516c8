"""`UNetDecoder`: the expanding path of a U-Net over any pyramid."""

from typing import Any

from torch import Tensor, nn

from isthmus.blocks.upsampling import ExpandingPath
from isthmus.errors import CompositionError
from isthmus.models.feature_checks import check_count, check_grids
from isthmus.specs.features import Pyramid, Requirement


class UNetDecoder(nn.Module):
    """Walk up a pyramid of features with a skip connection at each level (Ronneberger et al., 2015).

    The result is as fine as the first feature.

    Args:
        channel_list: the channels of the features, from the finest to the coarsest.
        channels: the channels of each step, from the coarsest on; as many as there are features.
        use_batchnorm: the normalisation behind each convolution: "batchnorm" (or True), "identity" (or False).
        attention_type: "scse" to weigh channels and cells in each step (Roy et al., 2018).

    Raises:
        CompositionError: there are not as many `channels` as features.
        ArgumentError: an unknown normalisation or attention.
    """

    def __init__(
        self,
        channel_list: list[int],
        channels: list[int],
        use_batchnorm: bool | str = "batchnorm",
        attention_type: str | None = None,
    ) -> None:
        super().__init__()
        if len(channels) != len(channel_list) or not channels:
            raise CompositionError(
                f"UNetDecoder takes as many channels as features, but is given {len(channels)} channels "
                f"{list(channels)} for {len(channel_list)} features of {list(channel_list)} channels; give one number "
                "for each feature, or choose features with the neck SelectIndices"
            )
        self.count = len(channels)
        self.out_channels = channels[-1]
        self.decoder = ExpandingPath(channel_list, channels, use_batchnorm, attention_type)
        self.requirement = self.requirement_for(channels)

    @staticmethod
    def requirement_for(channels: list[int] | None = None, **_: Any) -> Requirement:
        """It takes a pyramid with as many levels as there are `channels`."""
        return Requirement(levels=None if channels is None else len(channels), pyramid=Pyramid.REQUIRED)

    def forward(self, features: list[Tensor]) -> Tensor:
        """From grids (batch, channels, height, width) to one of the size of the first.

        Raises:
            ShapeError: there are more or fewer features than the decoder was built for, or they are no grids.
        """
        check_count("UNetDecoder", features, self.count)
        check_grids("UNetDecoder", features)
        decoded: Tensor = self.decoder(features)
        return decoded
