"""`AggregateTokens`: one vector in place of many tokens."""

from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor

from isthmus.errors import ArgumentError, CompositionError, ShapeError, did_you_mean
from isthmus.models.feature_checks import check_indices, pick
from isthmus.models.necks.base import Neck
from isthmus.specs.features import FeatureSpec, Layout, Requirement

POOLINGS = ("mean", "max", "min", "cls")


class AggregateTokens(Neck):
    """Pool the tokens, or the cells of a grid, of one feature into one vector.

    Tokens (batch, tokens, channels) and grids (batch, channels, height, width) give (batch, channels); grids in time
    (batch, channels, time, height, width) give (batch, time, channels).

    Args:
        channel_list: the channels of the incoming features.
        pooling: "mean", "max" or "min" over all positions, "CLS" for the first position, or the number of a position.
        index: which feature to pool; a lone feature is taken whatever the index.
        indices: pool these features instead, each into a vector of its own.
        drop_cls: whether to leave out the first position, where the class token stands.

    Raises:
        ArgumentError: an unknown pooling, or the class token is to be dropped and taken at once.
        CompositionError: an index is out of range.
    """

    proposes = True

    def __init__(
        self,
        channel_list: list[int],
        pooling: str | int = "mean",
        index: int = -1,
        indices: int | list[int] | None = None,
        drop_cls: bool = False,
    ) -> None:
        super().__init__(channel_list)
        self.pooling = pooling.lower() if isinstance(pooling, str) else pooling
        self.drop_cls = drop_cls
        if isinstance(self.pooling, str) and self.pooling not in POOLINGS:
            raise ArgumentError(
                f"AggregateTokens knows no pooling {pooling!r}{did_you_mean(self.pooling, POOLINGS) or '.'} "
                "It takes: mean, max, min, CLS, or the number of a token"
            )
        if drop_cls and self.pooling == "cls":
            raise ArgumentError("AggregateTokens cannot drop the class token (drop_cls) and pool it (pooling 'CLS')")
        if indices is None:
            indices = 0 if len(channel_list) == 1 else index
        self.indices = [indices] if isinstance(indices, int) else list(indices)
        check_indices("AggregateTokens", self.indices, len(channel_list))

    @classmethod
    def proposals(cls, specs: Sequence[FeatureSpec], requirement: Requirement) -> Iterator[dict[str, Any]]:
        """The mean over tokens, for a decoder of vectors."""
        if Layout.VECTOR in requirement.layouts and {spec.layout for spec in specs} == {Layout.TOKENS}:
            yield {}

    def process_channel_list(self, channel_list: list[int]) -> list[int]:
        """The channels of the features that are pooled."""
        return [channel_list[index] for index in self.indices]

    def process_specs(self, specs: Sequence[FeatureSpec]) -> list[FeatureSpec]:
        """One vector for each feature that is pooled.

        Raises:
            CompositionError: the class token is asked for where there is none.
        """
        chosen = [specs[index] for index in self.indices]
        for spec in chosen:
            if spec.layout not in (Layout.TOKENS, Layout.GRID):
                raise CompositionError(f"AggregateTokens pools tokens or grids, but is given a {spec}")
            if (self.drop_cls or self.pooling == "cls") and not spec.prefix_tokens:
                raise CompositionError(f"AggregateTokens is to use the class token of a {spec}, which has none")
        return [FeatureSpec(spec.channels, Layout.VECTOR) for spec in chosen]

    def forward(self, features: list[Tensor], image_size: tuple[int, int] | None = None) -> list[Tensor]:
        """Pool tokens or grids.

        Raises:
            ShapeError: a feature is neither tokens nor a grid, or has too few positions.
        """
        if len(features) == 1 and len(self.indices) == 1:
            return [self._pool(features[0])]
        return [self._pool(pick("AggregateTokens", features, index)) for index in self.indices]

    def _pool(self, feature: Tensor) -> Tensor:
        positions = _positions(feature)[..., int(self.drop_cls) :, :]
        if self.pooling == "mean":
            return positions.mean(-2)
        if self.pooling == "max":
            return positions.amax(-2)
        if self.pooling == "min":
            return positions.amin(-2)
        place = 0 if isinstance(self.pooling, str) else self.pooling
        if not -positions.shape[-2] <= place < positions.shape[-2]:
            raise ShapeError(f"AggregateTokens is to take position {place}, but there are {positions.shape[-2]}")
        return positions[..., place, :]


def _positions(feature: Tensor) -> Tensor:
    """The feature as (..., positions, channels)."""
    if feature.ndim == 3:
        return feature
    if feature.ndim == 4:
        return feature.flatten(2).transpose(1, 2)
    if feature.ndim == 5:
        return feature.flatten(3).permute(0, 2, 3, 1)
    raise ShapeError(
        "AggregateTokens pools tokens (batch, tokens, channels) or grids (batch, channels, [time,] height, width), "
        f"but was handed the shape {tuple(feature.shape)}"
    )
