"""`PermuteDims`: the same features with their axes in another order."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from isthmus.errors import ArgumentError, CompositionError, ShapeError
from isthmus.models.necks.base import Neck
from isthmus.specs.features import FeatureSpec, Layout, Requirement

_AXES = {Layout.GRID: "bchw", Layout.GRID_LAST: "bhwc", Layout.TOKENS: "bnc", Layout.VECTOR: "bc"}


class PermuteDims(Neck):
    """Bring the axes of every feature into another order.

    Swin transformers of timm hand out (batch, height, width, channels); `new_order=[0, 3, 1, 2]` makes grids of them.

    Args:
        channel_list: the channels of the incoming features.
        new_order: for each outgoing axis, the incoming axis that it is.

    Raises:
        ArgumentError: `new_order` is not a permutation.
    """

    proposes = True

    def __init__(self, channel_list: list[int], new_order: list[int]) -> None:
        super().__init__(channel_list)
        self.new_order = list(new_order)
        axes = len(new_order)
        if sorted(axis % axes for axis in self.new_order if -axes <= axis < axes) != list(range(axes)):
            raise ArgumentError(
                f"PermuteDims: new_order {self.new_order} must name each of the axes 0 to {axes - 1} once"
            )

    @classmethod
    def proposals(cls, specs: Sequence[FeatureSpec], requirement: Requirement) -> Iterator[dict[str, Any]]:  # noqa: ARG003
        """The channels to the front of grids that have them last."""
        if {spec.layout for spec in specs} == {Layout.GRID_LAST}:
            yield {"new_order": [0, 3, 1, 2]}

    def process_channel_list(self, channel_list: list[int]) -> list[int]:
        """The same channels: moving an axis does not change its size."""
        return list(channel_list)

    def process_specs(self, specs: Sequence[FeatureSpec]) -> list[FeatureSpec]:
        """The layout that each permutation leads to.

        Tokens with their channels in front, (batch, channels, tokens), have no layout of their own and count as a
        grid of unknown stride.

        Raises:
            CompositionError: the features have another number of axes, or the result has no layout.
        """
        return [self._permuted(spec) for spec in specs]

    def _permuted(self, spec: FeatureSpec) -> FeatureSpec:
        before = _AXES[spec.layout]
        if len(before) != len(self.new_order):
            raise CompositionError(f"PermuteDims has {len(self.new_order)} axes to order, but is given a {spec}")
        after = "".join(before[axis] for axis in self.new_order)
        if after == before:
            return spec
        if after == "bcn":
            return replace(spec, layout=Layout.GRID, stride=None, prefix_tokens=0, time_steps=1)
        for layout in (Layout.GRID, Layout.GRID_LAST):
            if after == _AXES[layout]:
                return replace(spec, layout=layout)
        raise CompositionError(f"PermuteDims: new_order {self.new_order} leaves no known layout of a {spec}")

    def forward(self, features: list[Tensor], image_size: tuple[int, int] | None = None) -> list[Tensor]:
        """Permute each feature.

        Raises:
            ShapeError: a feature has another number of axes than `new_order`.
        """
        for place, feature in enumerate(features):
            if feature.ndim != len(self.new_order):
                raise ShapeError(
                    f"PermuteDims: new_order {self.new_order} does not fit feature {place} of the shape "
                    f"{tuple(feature.shape)}"
                )
        return [feature.permute(self.new_order).contiguous() for feature in features]
