"""A neck that `necks: auto` finds like those of Isthmus."""

from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor

from isthmus.models.necks import Neck
from isthmus.specs import FeatureSpec, Pyramid, Requirement, is_pyramid


class FineFirst(Neck):
    """Turn a pyramid that comes with its coarsest level first."""

    proposes = True

    @classmethod
    def proposals(cls, specs: Sequence[FeatureSpec], requirement: Requirement) -> Iterator[dict[str, Any]]:
        """Where a pyramid is wanted and would be one the other way round."""
        wanted = requirement.pyramid is not Pyramid.NONE
        if wanted and len(specs) > 1 and is_pyramid(specs[::-1]) and not is_pyramid(specs):
            yield {}

    def process_channel_list(self, channel_list: list[int]) -> list[int]:
        """The same the other way round."""
        return channel_list[::-1]

    def process_specs(self, specs: Sequence[FeatureSpec]) -> list[FeatureSpec]:
        """The same the other way round."""
        return list(specs[::-1])

    def forward(self, features: list[Tensor], image_size: tuple[int, int] | None = None) -> list[Tensor]:  # noqa: ARG002
        """The finest level first."""
        return features[::-1]
