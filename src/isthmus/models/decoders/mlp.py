"""`MLPDecoder`: one linear layer over all features."""

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from isthmus.blocks.activations import activation_from
from isthmus.errors import ShapeError
from isthmus.models.feature_checks import check_count, check_indices
from isthmus.specs.features import Layout, Requirement


class MLPDecoder(nn.Module):
    """Join all features along their channels and map them linearly, cell by cell, to the channels of one of them.

    Args:
        channel_list: the channels of the features.
        channels: without effect; configurations of other programs give it.
        out_dim: without effect; configurations of other programs give it.
        activation: the activation behind the layer, by its name in `torch.nn`.
        out_index: the feature that has as many channels as the result is to have.

    Raises:
        ArgumentError: no activation has that name.
        CompositionError: `out_index` is out of range.
    """

    def __init__(
        self,
        channel_list: list[int],
        channels: int | None = None,
        out_dim: int | None = None,
        activation: str = "ReLU",
        out_index: int = -1,
    ) -> None:
        super().__init__()
        check_indices("MLPDecoder", [out_index], len(channel_list))
        for name, value in (("channels", channels), ("out_dim", out_dim)):
            if value is not None:
                warnings.warn(
                    f"MLPDecoder: {name} has no effect; out_index says how many channels come out", stacklevel=2
                )
        self.count = len(channel_list)
        self.out_channels = channel_list[out_index]
        self.hidden_layer = nn.Linear(sum(channel_list), self.out_channels)
        self.activation = activation_from(activation, "MLPDecoder.activation")
        self.requirement = self.requirement_for()

    @staticmethod
    def requirement_for(**_: Any) -> Requirement:
        """It takes grids of equal size, or vectors."""
        return Requirement(layouts=frozenset({Layout.GRID, Layout.VECTOR}))

    def forward(self, features: list[Tensor]) -> Tensor:
        """From grids (batch, channels, height, width) of equal size, or vectors (batch, channels), to one.

        Raises:
            ShapeError: the features are neither, or differ in size.
        """
        check_count("MLPDecoder", features, self.count)
        cells = {(feature.ndim, *feature.shape[2:]) for feature in features}
        if len(cells) != 1 or features[0].ndim not in (2, 4):
            raise ShapeError(
                "MLPDecoder takes vectors (batch, channels), or grids (batch, channels, height, width) of equal size, "
                f"but was handed {', '.join(str(tuple(feature.shape)) for feature in features)}"
            )
        joined = torch.cat(features, dim=1)
        out: Tensor = self.activation(self.hidden_layer(joined.movedim(1, -1)))
        return out.movedim(-1, 1)
