"""Attention to a few learned places of several maps: multi-scale deformable attention (arXiv 2010.04159)."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.models.layers.xavier import XavierLinear

Size = tuple[int, int]
"""Height and width of a map, in cells."""


class DeformableAttention(nn.Module):
    """Every query looks at `points` places in each of several maps, which it chooses around a place of its own.

    Args:
        channels: the size of a token.
        levels: the number of maps.
        num_heads: the heads, each with places of its own.
        points: the places that a head looks at in a map.
        ratio: the size of what is looked up, in multiples of `channels`.
    """

    def __init__(self, channels: int, levels: int, num_heads: int, points: int = 4, ratio: float = 1.0) -> None:
        super().__init__()
        self.levels, self.num_heads, self.points = levels, num_heads, points
        hidden = int(channels * ratio)
        self.sampling_offsets = nn.Linear(channels, num_heads * levels * points * 2)
        self.attention_weights = nn.Linear(channels, num_heads * levels * points)
        self.value_proj = XavierLinear(channels, hidden)
        self.output_proj = XavierLinear(hidden, channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Let every head begin with a direction of its own, and each of its points one cell further out."""
        for layer in (self.sampling_offsets, self.attention_weights):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        angles = [2.0 * math.pi * head / self.num_heads for head in range(self.num_heads)]
        longest = [max(abs(math.cos(angle)), abs(math.sin(angle))) for angle in angles]
        offsets = [
            step * part / reach
            for angle, reach in zip(angles, longest, strict=True)
            for _ in range(self.levels)
            for step in range(1, self.points + 1)
            for part in (math.cos(angle), math.sin(angle))
        ]
        bias = self.sampling_offsets.bias
        if not bias.is_meta:
            bias.data.copy_(torch.tensor(offsets, device=bias.device))

    def forward(
        self,
        queries: Float[Tensor, "batch queries channels"],
        places: Float[Tensor, "queries 2"],
        cells: Float[Tensor, "batch cells channels"],
        sizes: Sequence[Size],
    ) -> Float[Tensor, "batch queries channels"]:
        """Look up cells.

        Args:
            queries: what looks.
            places: where each query is, (x, y) as fractions of width and height.
            cells: the cells of all maps, map after map and row by row.
            sizes: the (height, width) of each map.
        """
        batch, count, _ = queries.shape
        shape = (batch, count, self.num_heads, self.levels, self.points)
        exact = torch.promote_types(queries.dtype, torch.float32)  # half precision would miss cells of large maps
        extent = torch.tensor([[width, height] for height, width in sizes], dtype=exact).to(queries.device)
        offsets = self.sampling_offsets(queries).view(*shape, 2).to(exact) / extent[:, None, :]
        sampled = places[:, None, None, None, :].to(exact) + offsets
        weights = self.attention_weights(queries).view(*shape[:3], -1).softmax(-1).view(shape)
        values = self.value_proj(cells).unflatten(2, (self.num_heads, -1))
        found = _sample(values.to(exact), sizes, sampled, weights.to(exact))
        looked_up: Tensor = self.output_proj(found.to(values.dtype))
        return looked_up


def _sample(
    values: Float[Tensor, "batch cells heads channels"],
    sizes: Sequence[Size],
    places: Float[Tensor, "batch queries heads levels points 2"],
    weights: Float[Tensor, "batch queries heads levels points"],
) -> Float[Tensor, "batch queries {values.shape[2]*values.shape[3]}"]:
    """The weighted sum of values at places between the cells; outside a map there is nothing."""
    grids = (2 * places - 1).permute(3, 0, 2, 1, 4, 5).flatten(1, 2)  # level, batch x head, query, point
    maps = values.permute(0, 2, 3, 1).flatten(0, 1).split([height * width for height, width in sizes], dim=2)
    found = [
        F.grid_sample(each.unflatten(2, size), grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        for each, size, grid in zip(maps, sizes, grids, strict=True)
    ]
    shares = weights.transpose(1, 2).flatten(0, 1).flatten(2)[:, None]  # batch x head, 1, query, level x point
    summed = (torch.cat(found, dim=3) * shares).sum(3)  # batch x head, channel, query
    parted: Tensor = summed.unflatten(0, (values.shape[0], values.shape[2]))
    return parted.permute(0, 3, 1, 2).flatten(2)
