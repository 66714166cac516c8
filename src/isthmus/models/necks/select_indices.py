"""`SelectIndices`: some of the features, in a given order."""

from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor

from isthmus.models.feature_checks import check_indices, pick
from isthmus.models.necks.base import Neck, wanted_levels
from isthmus.specs.features import FeatureSpec, Requirement, is_pyramid


class SelectIndices(Neck):
    """Keep some of the features, in the order of `indices`; a feature may be taken more than once.

    Args:
        channel_list: the channels of the incoming features.
        indices: which features to keep; negative ones count from the end.

    Raises:
        CompositionError: an index is out of range.
    """

    proposes = True

    def __init__(self, channel_list: list[int], indices: list[int]) -> None:
        super().__init__(channel_list)
        self.indices = list(indices)
        check_indices("SelectIndices", self.indices, len(channel_list))

    @classmethod
    def proposals(cls, specs: Sequence[FeatureSpec], requirement: Requirement) -> Iterator[dict[str, Any]]:
        """The coarsest levels of a pyramid, or evenly spaced layers of a plain transformer, ending in the last."""
        count, levels = len(specs), wanted_levels(requirement)
        if levels is None or count <= levels:
            return
        if is_pyramid(specs):
            yield {"indices": list(range(count - levels, count))}
        else:
            yield {"indices": [(i + 1) * count // levels - 1 for i in range(levels)]}

    def process_channel_list(self, channel_list: list[int]) -> list[int]:
        """The channels of the features that are kept."""
        return [channel_list[index] for index in self.indices]

    def process_specs(self, specs: Sequence[FeatureSpec]) -> list[FeatureSpec]:
        """The features that are kept, as they are."""
        return [specs[index] for index in self.indices]

    def forward(self, features: list[Tensor], image_size: tuple[int, int] | None = None) -> list[Tensor]:
        """Keep features of any shape.

        Raises:
            ShapeError: there are fewer features than the neck was built for.
        """
        return [pick("SelectIndices", features, index) for index in self.indices]
