"""The contract of a neck."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor, nn

from isthmus.specs.features import FeatureSpec


class Neck(ABC, nn.Module):
    """What stands between an encoder and a decoder: it turns one list of features into another.

    A neck never changes the list or the tensors that it is given, keeps no state between calls, and never guesses a
    grid: height and width come from the image size and the stride.

    Args:
        channel_list: the channels of the incoming features.
    """

    def __init__(self, channel_list: list[int]) -> None:
        super().__init__()
        self.channel_list = list(channel_list)

    @abstractmethod
    def process_channel_list(self, channel_list: list[int]) -> list[int]:
        """The channels of the outgoing features, from those of the incoming ones."""

    def process_specs(self, specs: Sequence[FeatureSpec]) -> list[FeatureSpec]:
        """The outgoing features, from the incoming ones.

        As it stands it keeps layout and stride and takes the channels from `process_channel_list`; a neck that
        changes the layout, the stride or the number of features says so by overriding it.
        """
        channels = self.process_channel_list([spec.out_channels for spec in specs])
        return [replace(spec, channels=count, time_steps=1) for spec, count in zip(specs, channels, strict=True)]

    @abstractmethod
    def forward(self, features: list[Tensor], image_size: tuple[int, int] | None = None) -> list[Tensor]:
        """Turn the features of an image of `image_size` (height, width; after padding) into other features."""
