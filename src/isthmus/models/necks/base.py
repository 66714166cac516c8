"""The contract of a neck."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from torch import Tensor, nn

from isthmus.specs.features import FeatureSpec, Pyramid, Requirement

LEVELS_OF_A_PYRAMID = 4
"""How many levels a pyramid is given where its decoder takes any number."""


class Neck(ABC, nn.Module):
    """What stands between an encoder and a decoder: it turns one list of features into another.

    A neck never changes the list or the tensors that it is given, keeps no state between calls, and never guesses a
    grid: height and width come from the image size and the stride.

    Args:
        channel_list: the channels of the incoming features.

    Attributes:
        proposes: whether the neck has `proposals` for `necks: auto`; its entry in the registry says the same.
    """

    proposes: ClassVar[bool] = False

    def __init__(self, channel_list: list[int]) -> None:
        super().__init__()
        self.channel_list = list(channel_list)

    @classmethod
    def proposals(cls, specs: Sequence[FeatureSpec], requirement: Requirement) -> Iterator[dict[str, Any]]:  # noqa: ARG003
        """The arguments with which the neck would bring features nearer to what a decoder takes; none as it stands.

        `necks: auto` asks every neck that `proposes`, and takes the shortest chain of proposals that does it.
        """
        return iter(())

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


def wanted_levels(requirement: Requirement) -> int | None:
    """How many features a decoder is to be given; None where any number will do."""
    pyramid = None if requirement.pyramid is Pyramid.NONE else LEVELS_OF_A_PYRAMID
    return requirement.levels or pyramid
