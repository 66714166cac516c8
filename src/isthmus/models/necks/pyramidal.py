"""Necks that make a pyramid of grids of equal size: every level half as fine as the one before."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.blocks.upsampling import upsample_by_four, upsample_by_two
from isthmus.errors import ArgumentError, CompositionError, ShapeError, did_you_mean
from isthmus.models.feature_checks import check_grids, require_grids
from isthmus.models.necks.base import LEVELS_OF_A_PYRAMID, Neck
from isthmus.specs.features import FeatureSpec, Layout, Pyramid, Requirement

MODES = ("nearest", "nearest-exact", "bilinear", "bicubic", "area")


class InterpolateToPyramidal(Neck):
    """Make a pyramid by interpolation.

    The last feature is enlarged by `scale_factor`, the one before it by its square, and so on. Four features of a
    transformer with patches of 16 pixels so get strides of 1, 2, 4 and 8, which costs memory at the fine end.

    Args:
        channel_list: the channels of the incoming features.
        scale_factor: the ratio between neighbouring levels.
        mode: how to interpolate: nearest, nearest-exact, bilinear, bicubic or area.

    Raises:
        ArgumentError: an unknown mode or a scale that is not positive.
    """

    def __init__(self, channel_list: list[int], scale_factor: int = 2, mode: str = "nearest") -> None:
        super().__init__(channel_list)
        if mode not in MODES:
            raise ArgumentError(
                f"InterpolateToPyramidal knows no mode {mode!r}{did_you_mean(mode, MODES) or '.'} "
                f"It takes: {', '.join(MODES)}"
            )
        if scale_factor < 1:
            raise ArgumentError(f"InterpolateToPyramidal: scale_factor is {scale_factor}, but must be at least 1")
        self.scale_factor = scale_factor
        self.mode = mode

    def process_channel_list(self, channel_list: list[int]) -> list[int]:
        """The same channels."""
        return list(channel_list)

    def process_specs(self, specs: Sequence[FeatureSpec]) -> list[FeatureSpec]:
        """Grids of smaller stride."""
        require_grids("InterpolateToPyramidal", specs)
        scales = self._scales(len(specs))
        return [_rescaled(spec, 1 / scale) for spec, scale in zip(specs, scales, strict=True)]

    def forward(self, features: list[Tensor], image_size: tuple[int, int] | None = None) -> list[Tensor]:
        """Enlarge grids (batch, channels, height, width)."""
        check_grids("InterpolateToPyramidal", features)
        scales = self._scales(len(features))
        return [
            F.interpolate(feature, scale_factor=float(scale), mode=self.mode)
            for feature, scale in zip(features, scales, strict=True)
        ]

    def _scales(self, count: int) -> list[int]:
        return [self.scale_factor ** (count - place) for place in range(count)]


class MaxpoolToPyramidal(Neck):
    """Make a pyramid by max-pooling: the first feature stays, each further one is pooled once more.

    Args:
        channel_list: the channels of the incoming features.
        kernel_size: the ratio between neighbouring levels.

    Raises:
        ArgumentError: `kernel_size` is not positive.
    """

    proposes = True

    def __init__(self, channel_list: list[int], kernel_size: int = 2) -> None:
        super().__init__(channel_list)
        if kernel_size < 1:
            raise ArgumentError(f"MaxpoolToPyramidal: kernel_size is {kernel_size}, but must be at least 1")
        self.kernel_size = kernel_size

    @classmethod
    def proposals(cls, specs: Sequence[FeatureSpec], requirement: Requirement) -> Iterator[dict[str, Any]]:
        """A pyramid of fewer levels than the usual four."""
        if _asks_for_pyramid(specs, requirement) and len(specs) < LEVELS_OF_A_PYRAMID:
            yield {}

    def process_channel_list(self, channel_list: list[int]) -> list[int]:
        """The same channels."""
        return list(channel_list)

    def process_specs(self, specs: Sequence[FeatureSpec]) -> list[FeatureSpec]:
        """Grids of larger stride."""
        require_grids("MaxpoolToPyramidal", specs)
        return [_rescaled(spec, float(self.kernel_size**place)) for place, spec in enumerate(specs)]

    def forward(self, features: list[Tensor], image_size: tuple[int, int] | None = None) -> list[Tensor]:
        """Pool grids (batch, channels, height, width).

        Raises:
            ShapeError: a grid is too small to be pooled that often.
        """
        check_grids("MaxpoolToPyramidal", features)
        return [self._pooled(feature, self.kernel_size**place) for place, feature in enumerate(features)]

    def _pooled(self, feature: Tensor, kernel: int) -> Tensor:
        if min(feature.shape[-2:]) < kernel:
            raise ShapeError(
                f"MaxpoolToPyramidal: a grid of {feature.shape[-2]} x {feature.shape[-1]} cells cannot be pooled by "
                f"{kernel}; use fewer features or larger images"
            )
        return feature if kernel == 1 else F.max_pool2d(feature, kernel)


class LearnedInterpolateToPyramidal(Neck):
    """Make a pyramid of exactly four grids with learned upsampling: by 4, by 2, unchanged, and halved.

    Four features of a transformer with patches of 16 pixels so get strides of 4, 8, 16 and 32, the usual pyramid of a
    convolutional encoder; the upsampled ones have a quarter and a half of their channels. The scheme is that of the
    feature pyramids for plain transformers in BEiT (Bao et al., 2021).

    Args:
        channel_list: the channels of the four incoming features.

    Raises:
        CompositionError: there are not exactly four features, or too few channels to divide.
    """

    proposes = True

    def __init__(self, channel_list: list[int]) -> None:
        super().__init__(channel_list)
        if len(channel_list) != 4:
            raise CompositionError(
                "LearnedInterpolateToPyramidal makes a pyramid of exactly 4 features, but is given "
                f"{len(channel_list)}; put SelectIndices with four indices before it"
            )
        first, second = channel_list[:2]
        if first < 4 or second < 2:
            raise CompositionError(
                "LearnedInterpolateToPyramidal quarters the channels of the first feature and halves those of the "
                f"second, but they have {first} and {second}"
            )
        self.fpn1 = upsample_by_four(first)
        self.fpn2 = upsample_by_two(second)
        self.fpn3 = nn.Identity()
        self.fpn4 = nn.MaxPool2d(2, 2)

    @classmethod
    def proposals(cls, specs: Sequence[FeatureSpec], requirement: Requirement) -> Iterator[dict[str, Any]]:
        """The usual pyramid of four levels."""
        if _asks_for_pyramid(specs, requirement) and len(specs) == LEVELS_OF_A_PYRAMID:
            yield {}

    def process_channel_list(self, channel_list: list[int]) -> list[int]:
        """A quarter, a half and all of the channels."""
        first, second, third, fourth = channel_list
        return [first // 4, second // 2, third, fourth]

    def process_specs(self, specs: Sequence[FeatureSpec]) -> list[FeatureSpec]:
        """A pyramid of four grids."""
        require_grids("LearnedInterpolateToPyramidal", specs)
        channels = self.process_channel_list([spec.channels for spec in specs])
        return [
            replace(_rescaled(spec, scale), channels=count)
            for spec, count, scale in zip(specs, channels, (0.25, 0.5, 1.0, 2.0), strict=True)
        ]

    def forward(self, features: list[Tensor], image_size: tuple[int, int] | None = None) -> list[Tensor]:
        """Make a pyramid of four grids (batch, channels, height, width).

        Raises:
            ShapeError: there are not four grids, or the last is too small to be halved.
        """
        check_grids("LearnedInterpolateToPyramidal", features)
        if len(features) != 4 or min(features[3].shape[-2:]) < 2:
            raise ShapeError(
                "LearnedInterpolateToPyramidal takes 4 grids of at least 2 x 2 cells, but was handed "
                f"{', '.join(str(tuple(feature.shape)) for feature in features)}"
            )
        levels = (self.fpn1, self.fpn2, self.fpn3, self.fpn4)
        return [level(feature) for level, feature in zip(levels, features, strict=True)]


def _rescaled(spec: FeatureSpec, factor: float) -> FeatureSpec:
    """The same grid with `factor` times the stride."""
    if spec.stride is None:
        return spec
    return replace(spec, stride=(spec.stride[0] * factor, spec.stride[1] * factor))


def _asks_for_pyramid(specs: Sequence[FeatureSpec], requirement: Requirement) -> bool:
    """Whether grids of equal stride are to become a pyramid."""
    grids = {spec.layout for spec in specs} == {Layout.GRID}
    return requirement.pyramid is not Pyramid.NONE and grids and len({spec.stride for spec in specs}) == 1
