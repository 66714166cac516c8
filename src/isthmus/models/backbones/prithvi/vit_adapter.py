"""Prithvi-EO with a ViT-Adapter (arXiv 2205.08534), for dense predictions."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.errors import ArgumentError, ShapeError
from isthmus.models.backbones.prithvi.trunk import PrithviConfig, PrithviTrunk
from isthmus.models.layers.arguments import feature_indices
from isthmus.models.layers.transformer import pass_through
from isthmus.models.layers.vit_adapter import (
    STRIDES,
    Doubling,
    Interaction,
    MapNorm,
    SpatialPrior,
    groups,
    resampled_like,
)
from isthmus.specs.features import FeatureSpec, Layout
from isthmus.weights.uninitialised import initialised


class PrithviViTAdapter(PrithviTrunk):
    """The encoder of Prithvi-EO with an adapter around it.

    Takes images `(B, C, H, W)` or `(B, C, 1, H, W)` whose sides are multiples of 32, and gives four maps
    `(B, embed_dim, H / s, W / s)` with the strides s = 4, 8, 16 and 32. It has no class token.

    Args:
        config: the sizes; patches of 16 x 16 pixels and one frame. `out_indices` are the four blocks behind which
            tokens and maps exchange what they know; by default those that end the quarters of the depth.

    Attributes:
        added: what the names of the parameters of the adapter begin with.

    Raises:
        ArgumentError: other patches, several frames, or a choice of blocks that are not four in order.
    """

    added: ClassVar[tuple[str, ...]] = (
        *("spm.", "interactions.", "up."),
        *("norm1.", "norm2.", "norm3.", "norm4."),
    )

    def __init__(self, config: PrithviConfig) -> None:
        if config.patch_size != (1, 16, 16) or config.num_frames != 1:
            raise ArgumentError(
                f"vit_adapter takes patches of 16 x 16 pixels and one frame, but patch_size is {config.patch_size} "
                f"(T, H, W) and num_frames {config.num_frames}"
            )
        channels, last = config.embed_dim, len(STRIDES) - 1
        input_spec = replace(config.input_spec, multiple=(1, STRIDES[-1], STRIDES[-1]))
        maps = [FeatureSpec(channels, Layout.GRID, (float(stride), float(stride))) for stride in STRIDES]
        super().__init__(config, input_spec, maps)
        self.out_indices = _ends(config.out_indices, config.depth)
        with initialised():
            self.spm = SpatialPrior(len(config.bands), channels)
            self.interactions = nn.ModuleList(
                Interaction(channels, config.num_heads, extra=2 if index == last else 0) for index in range(last + 1)
            )
            self.up = Doubling(channels)
            self.norm1, self.norm2, self.norm3, self.norm4 = (MapNorm(channels) for _ in STRIDES)

    def forward(
        self,
        x: Float[Tensor, "*image"],
        temporal_coords: Float[Tensor, "*dates"] | None = None,
        location_coords: Float[Tensor, "*places"] | None = None,
    ) -> list[Float[Tensor, "batch embed _ _"]]:
        """Encode a batch of images.

        Args:
            x: `(B, C, H, W)` or `(B, C, 1, H, W)`.
            temporal_coords: `(B, 1, 2)`, the year and the day of the year; see `PrithviViT`.
            location_coords: `(B, 2)`, latitude and longitude in degrees.

        Raises:
            ShapeError: a tensor of another shape.
        """
        x = self.as_time_series(x)
        if x.shape[3] % STRIDES[-1] or x.shape[4] % STRIDES[-1]:
            raise ShapeError(
                f"the encoder with vit_adapter takes images whose sides are multiples of {STRIDES[-1]}, but was "
                f"given {tuple(x.shape)} (B, C, T, H, W)"
            )
        patches = self.embed(x, temporal_coords, location_coords)
        finest, *maps = self.spm(x[:, :, 0])
        grids, maps = self._interact(patches.flatten(1, 3), (patches.shape[2], patches.shape[3]), maps)
        maps = [finest + self.up(maps[0]), *maps]
        norms = (self.norm1, self.norm2, self.norm3, self.norm4)
        added = zip(norms, maps, resampled_like(grids, maps), strict=True)
        return [norm(map_ + grid) for norm, map_, grid in added]

    def _interact(
        self, tokens: Tensor, grid: tuple[int, int], maps: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The tokens behind each group of blocks, as grids, and the maps in the end."""
        sizes = [(map_.shape[2], map_.shape[3]) for map_ in maps]
        cells, grids = torch.cat([map_.flatten(2) for map_ in maps], dim=2).transpose(1, 2), []
        for interaction, group in zip(self.interactions, groups(self.out_indices), strict=True):
            tokens, cells = interaction(tokens, cells, partial(self._through, group), grid, sizes)
            grids.append(tokens.transpose(1, 2).unflatten(2, grid))
        parted = cells.transpose(1, 2).split([height * width for height, width in sizes], dim=2)
        return grids, [part.unflatten(2, size) for part, size in zip(parted, sizes, strict=True)]

    def _through(self, group: range, tokens: Tensor) -> Tensor:
        return pass_through(self.blocks, group, tokens, self.vpt_prompt_embeddings)


def _ends(out_indices: Sequence[int] | None, depth: int) -> list[int]:
    count = len(STRIDES)
    if out_indices is None and depth % count:
        raise ArgumentError(
            f"vit_adapter divides the blocks into {count} equal groups, which {depth} are not: give "
            "out_indices, the last block of each"
        )
    ends = [(part + 1) * depth // count - 1 for part in range(count)] if out_indices is None else out_indices
    ends = feature_indices(ends, depth)
    if len(ends) != count or sorted(set(ends)) != ends:
        raise ArgumentError(
            f"out_indices is {list(out_indices or ())}: with vit_adapter {count} different blocks, in order, were "
            "expected"
        )
    return ends
