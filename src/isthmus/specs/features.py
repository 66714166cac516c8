"""What flows between the parts of a model, and what a part asks of it.

An encoder that only lists its channels leaves everything else to guesswork: whether a tensor holds a grid or tokens,
how many input pixels a cell covers, how many class tokens stand in front. `FeatureSpec` says it; `Requirement` says
what a decoder can work with. Neither needs torch, so that a composition can be described before it is built.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from isthmus.specs.plain import PlainData


class Layout(StrEnum):
    """How the axes of a feature are laid out: batch B, channels C, grid height H and width W, tokens N."""

    GRID = "grid"  # (B, C, H, W)
    GRID_LAST = "grid_last"  # (B, H, W, C), as Swin transformers give it
    TOKENS = "tokens"  # (B, prefix + time x H x W, C)
    VECTOR = "vector"  # (B, C)


@dataclass(frozen=True, slots=True)
class FeatureSpec(PlainData):
    """One feature, as it leaves a part.

    Attributes:
        channels: the size of the channel axis of the tensor.
        layout: how the axes are laid out.
        stride: input pixels per cell, (vertical, horizontal); the patch size for tokens, None for a vector.
        prefix_tokens: class and register tokens in front of the grid (tokens only).
        time_steps: how many grids follow one another along the token axis (tokens only).
    """

    channels: int
    layout: Layout = Layout.GRID
    stride: tuple[float, float] | None = None
    prefix_tokens: int = 0
    time_steps: int = 1

    @property
    def out_channels(self) -> int:
        """The channels that the feature has once it is a grid: time steps are folded into them."""
        return self.channels * self.time_steps

    def shape(self, image_size: tuple[int, int]) -> str:
        """The shape of the tensor for one image of (height, width), as in `(1, 197, 768)`."""
        if self.layout is Layout.VECTOR:
            return f"(1, {self.channels})"
        if self.stride is None:
            height = width = "?"
        else:
            height, width = (str(-(-size // int(step))) for size, step in zip(image_size, self.stride, strict=True))
        if self.layout is Layout.GRID:
            return f"(1, {self.channels}, {height}, {width})"
        if self.layout is Layout.GRID_LAST:
            return f"(1, {height}, {width}, {self.channels})"
        known = height != "?" and width != "?"
        tokens = self.prefix_tokens + self.time_steps * int(height) * int(width) if known else "?"
        return f"(1, {tokens}, {self.channels})"

    def __str__(self) -> str:
        stride = "" if self.stride is None else f", stride {_show_stride(self.stride)}"
        prefix = f", {self.prefix_tokens} prefix token(s)" if self.prefix_tokens else ""
        time = f", {self.time_steps} time steps" if self.time_steps > 1 else ""
        return f"{self.layout} of {self.channels} channels{stride}{prefix}{time}"


def _show_stride(stride: tuple[float, float]) -> str:
    vertical, horizontal = (f"{value:g}" for value in stride)
    return vertical if vertical == horizontal else f"{vertical}x{horizontal}"


_SHAPES = {
    Layout.GRID: "(B, C, H, W)",
    Layout.GRID_LAST: "(B, H, W, C)",
    Layout.TOKENS: "(B, N, C)",
    Layout.VECTOR: "(B, C)",
}


class Pyramid(StrEnum):
    """Whether the features must get coarser from one to the next."""

    REQUIRED = "required"  # every level has twice the stride of the one before
    PREFERRED = "preferred"  # works on equal strides too, but was made for a pyramid
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Requirement(PlainData):
    """What a decoder can work with.

    Attributes:
        layouts: the layouts that it takes.
        levels: how many features it takes; None for any number.
        pyramid: whether the features must get coarser from one to the next.
    """

    layouts: frozenset[Layout] = frozenset({Layout.GRID})
    levels: int | None = None
    pyramid: Pyramid = Pyramid.NONE

    def __str__(self) -> str:
        layouts = " or ".join(_SHAPES[layout] for layout in Layout if layout in self.layouts)
        count = "features" if self.levels is None else "1 feature" if self.levels == 1 else f"{self.levels} features"
        pyramid = {
            Pyramid.REQUIRED: ", each half the size of the one before",
            Pyramid.PREFERRED: ", best each half the size of the one before",
            Pyramid.NONE: "",
        }[self.pyramid]
        return f"{count} of shape {layouts}{pyramid}"

    def within(self, layouts: frozenset[Layout]) -> "Requirement":
        """The same requirement, with only those of `layouts` that it takes already."""
        return replace(self, layouts=self.layouts & layouts)

    def unmet(self, specs: Sequence[FeatureSpec]) -> list[str]:
        """What is wrong with `specs`, as sentences without a full stop; empty where the requirement is met."""
        faults = []
        wrong = sorted({spec.layout.value for spec in specs} - {layout.value for layout in self.layouts})
        if wrong:
            wanted = " or ".join(sorted(layout.value for layout in self.layouts))
            faults.append(f"it takes {wanted} features, but is given {' and '.join(wrong)}")
        if self.levels is not None and len(specs) != self.levels:
            faults.append(f"it takes {self.levels} features, but is given {len(specs)}")
        if self.pyramid is Pyramid.REQUIRED and not wrong and not is_pyramid(specs):
            strides = ", ".join("?" if spec.stride is None else _show_stride(spec.stride) for spec in specs)
            faults.append(
                f"it takes features whose stride doubles from one to the next, but is given strides {strides}"
            )
        return faults


def is_pyramid(specs: Sequence[FeatureSpec]) -> bool:
    """Whether the stride doubles from each feature to the next. Unknown strides are given the benefit of the doubt."""
    strides = [spec.stride for spec in specs]
    known = [(a, b) for a, b in itertools.pairwise(strides) if a is not None and b is not None]
    return all(coarse == (2 * fine[0], 2 * fine[1]) for fine, coarse in known)
