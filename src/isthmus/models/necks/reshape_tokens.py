"""`ReshapeTokensToImage`: from a row of tokens to the grid that they were cut from."""

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from jaxtyping import Float
from torch import Tensor

from isthmus.errors import ArgumentError, CompositionError, ShapeError
from isthmus.models.necks.base import Neck
from isthmus.specs.features import FeatureSpec, Layout, Requirement


class ReshapeTokensToImage(Neck):
    """Lay the tokens of a vision transformer out as the grid of patches that they stand for.

    The grid comes from the image size: it is that of the square patches that tile the image when there are as many
    of them as tokens. Only where no image size is known is the grid taken to be square. Features that are grids
    already pass unchanged.

    Args:
        channel_list: the channels of the incoming features, time steps folded in.
        remove_cls_token: whether a class token stands in front of the patches; where there are more such tokens
            (registers), their number.
        effective_time_dim: how many grids follow one another in the row of tokens; they become channels, time step by
            time step.
        h: the height of the grid in patches, where the image size does not tell.
        temporal_inputs: whether features carry a time axis of their own, (batch, time, tokens, channels); they become
            (batch, time, channels, height, width).

    Raises:
        ArgumentError: a number that must be positive is not.
    """

    proposes = True

    def __init__(
        self,
        channel_list: list[int],
        remove_cls_token: bool | int = True,
        effective_time_dim: int = 1,
        h: int | None = None,
        temporal_inputs: bool = False,
    ) -> None:
        super().__init__(channel_list)
        for name, value, least in (
            ("remove_cls_token", int(remove_cls_token), 0),
            ("effective_time_dim", effective_time_dim, 1),
            ("h", 1 if h is None else h, 1),
        ):
            if value < least:
                raise ArgumentError(f"ReshapeTokensToImage: {name} is {value}, but must be at least {least}")
        self.remove_cls_token = remove_cls_token
        self.effective_time_dim = effective_time_dim
        self.h = h
        self.temporal_inputs = temporal_inputs

    @classmethod
    def proposals(cls, specs: Sequence[FeatureSpec], requirement: Requirement) -> Iterator[dict[str, Any]]:  # noqa: ARG003
        """The grid of tokens, without what stands in front of it."""
        if {spec.layout for spec in specs} == {Layout.TOKENS}:
            prefix, steps = specs[0].prefix_tokens, specs[0].time_steps
            said = {} if prefix == 1 else {"remove_cls_token": prefix or False}
            yield said if steps == 1 else {**said, "effective_time_dim": steps}

    def process_channel_list(self, channel_list: list[int]) -> list[int]:
        """The same channels: the list counts the channels of all time steps already."""
        return list(channel_list)

    def process_specs(self, specs: Sequence[FeatureSpec]) -> list[FeatureSpec]:
        """Grids in place of tokens.

        Raises:
            CompositionError: the features are no tokens, or have other time steps or prefix tokens than were said.
        """
        return [self._reshaped(spec) for spec in specs]

    def _reshaped(self, spec: FeatureSpec) -> FeatureSpec:
        if spec.layout in (Layout.GRID, Layout.GRID_LAST):
            return spec
        if spec.layout is not Layout.TOKENS:
            raise CompositionError(f"ReshapeTokensToImage lays out tokens, but is given a {spec}")
        if spec.time_steps != self.effective_time_dim:
            raise CompositionError(
                f"ReshapeTokensToImage is told of effective_time_dim {self.effective_time_dim}, but is given a {spec}; "
                f"set effective_time_dim to {spec.time_steps}"
            )
        if spec.prefix_tokens not in (int(self.remove_cls_token), 0):
            raise CompositionError(
                f"ReshapeTokensToImage is told to remove {int(self.remove_cls_token)} token(s) in front of the grid, "
                f"but is given a {spec}; set remove_cls_token to {spec.prefix_tokens}"
            )
        return replace(spec, channels=spec.out_channels, layout=Layout.GRID, prefix_tokens=0, time_steps=1)

    def forward(self, features: list[Tensor], image_size: tuple[int, int] | None = None) -> list[Tensor]:
        """Lay out the tokens of an image of `image_size` (height, width; after padding).

        Raises:
            ShapeError: no grid fits the number of tokens.
        """
        return [self._laid_out(feature, image_size) for feature in features]

    def _laid_out(self, feature: Tensor, image_size: tuple[int, int] | None) -> Tensor:
        axes = feature.ndim - int(self.temporal_inputs)
        if axes == 4:
            return feature
        if axes != 3:
            raise ShapeError(
                "ReshapeTokensToImage lays out tokens (batch, tokens, channels), and lets grids (batch, channels, "
                f"height, width) pass, but was handed the shape {tuple(feature.shape)}"
            )
        if self.temporal_inputs:
            grids: Tensor = self._to_grid(feature.flatten(0, 1), image_size).unflatten(0, feature.shape[:2])
            return grids
        return self._to_grid(feature, image_size)

    def _to_grid(
        self, tokens: Float[Tensor, "batch tokens channels"], image_size: tuple[int, int] | None
    ) -> Float[Tensor, "batch time_and_channels height width"]:
        prefix, height, width = self._find_grid(tokens.shape[1], image_size)
        steps: Tensor = tokens[:, prefix:].unflatten(1, (self.effective_time_dim, height, width))
        return steps.permute(0, 1, 4, 2, 3).flatten(1, 2)

    def _find_grid(self, tokens: int, image_size: tuple[int, int] | None) -> tuple[int, int, int]:
        """The number of tokens in front of the grid, its height and its width."""
        prefix = int(self.remove_cls_token)
        if (grid := self._grid_of(tokens - prefix, image_size)) is not None:
            return prefix, *grid
        if prefix and self.h is None and (grid := self._grid_of(tokens, image_size)) is not None:
            warnings.warn(
                f"ReshapeTokensToImage uses all {tokens} tokens, because the grid of the image leaves none for a class "
                "token; set remove_cls_token to False to say so",
                stacklevel=2,
            )
            return 0, *grid
        raise ShapeError(self._no_grid(tokens, image_size))

    def _grid_of(self, patches: int, image_size: tuple[int, int] | None) -> tuple[int, int] | None:
        count, rest = divmod(patches, self.effective_time_dim)
        if rest or count < 1:
            return None
        if self.h is not None:
            return None if count % self.h else (self.h, count // self.h)
        if image_size is not None:
            return grid_of_patches(image_size, count)
        side = math.isqrt(count)
        return (side, side) if side * side == count else None

    def _no_grid(self, tokens: int, image_size: tuple[int, int] | None) -> str:
        prefix = int(self.remove_cls_token)
        given = f"{tokens} tokens, {prefix} of them in front of the grid"
        if self.effective_time_dim > 1:
            given += f", {self.effective_time_dim} time steps"
        if self.h is not None:
            return f"ReshapeTokensToImage cannot lay out {given}, in grids of the height {self.h}"
        if image_size is None:
            return (
                f"ReshapeTokensToImage cannot lay out {given}, as a square; give it the image size, or the height "
                "of the grid as h"
            )
        hint = ""
        for other in (0, 1):
            if other != prefix and self._grid_of(tokens - other, image_size) is not None:
                hint = f"; with remove_cls_token {bool(other)} they would fit"
        return (
            f"ReshapeTokensToImage cannot lay out {given}: no square patches tile an image of "
            f"{image_size[0]} x {image_size[1]} pixels that way{hint}"
        )


def grid_of_patches(image_size: tuple[int, int], count: int) -> tuple[int, int] | None:
    """The grid (height, width) of the square patches that tile an image when there are `count` of them.

    The area of a patch is that of the image divided by their number, so that there is at most one such grid.

    Args:
        image_size: height and width of the image in pixels.
        count: how many patches there are.

    Returns:
        The grid, or None where no square patches of whole pixels tile the image that way.
    """
    height, width = image_size
    patch = math.isqrt(height * width // count)
    if patch < 1 or height % patch or width % patch or (height // patch) * (width // patch) != count:
        return None
    return height // patch, width // patch
