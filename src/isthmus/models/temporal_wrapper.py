"""`TemporalWrapper`: an encoder of single images made an encoder of time series."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from isthmus.errors import ArgumentError, ShapeError, did_you_mean
from isthmus.models.encoder_wrapper import EncoderWrapper
from isthmus.models.keywords import taken_by
from isthmus.plan.probe import feature_specs, frames_of, input_spec
from isthmus.specs.features import FeatureSpec, Layout
from isthmus.specs.inputs import InputSpec

POOLINGS = ("mean", "max", "diff", "keep", "concat")
FRAMES_TO_TRY = 2  # where nobody says how many there are
DATES = "temporal_coords"


class TemporalWrapper(EncoderWrapper):
    """Runs an encoder on every image of a time series and pools its features over time.

    Takes `(B, C, T, H, W)`, or a dict of such by modality, in which what is no image, `(B, ...)` with less than four
    axes, stands for all steps. Of the features `(B, ...)` of each step it gives, as a list:

    - `mean`, `max`: the mean or the maximum over time;
    - `diff`: the first step minus the second, of two;
    - `concat`: all steps, one after the other along the channels;
    - `keep`: all steps along an axis of their own, `(B, T, ...)`, which no neck and no decoder of Isthmus takes.

    With `subset_lengths` the features of the first so many steps, of the next and so on are averaged first, and the
    averages are pooled in the place of the steps. Dictionaries of features stay dictionaries.

    Keywords go to the encoder as far as it takes them: `temporal_coords` `(B, T, 2)` step by step, as `(B, 1, 2)`;
    other tensors `(B, ...)` the same for all steps.

    Args:
        encoder: an encoder of single images.
        pooling: mean, max, diff, concat or keep.
        concat: an older way to say `pooling="concat"`.
        n_timestamps: how many steps there are; any number where it is not given. `concat` needs it.
        features_permute_op: how the axes of a feature must be permuted for its channels to come second. Only `concat`
            depends on it, and only where the encoder does not publish `feature_specs`.
        subset_lengths: the lengths of successive parts of the series.

    Attributes:
        out_channels: the channels of each feature.
        feature_specs: the layout of each feature; None with `keep`, whose features have none that Isthmus knows.
        input_spec: that of the encoder, with as many frames as there are steps.
        num_frames: how many steps there are; 2 where any number will do.

    Raises:
        ArgumentError: an unknown pooling, or arguments that contradict each other.
    """

    def __init__(
        self,
        encoder: nn.Module,
        pooling: str = "mean",
        concat: bool | None = None,
        n_timestamps: int | None = None,
        features_permute_op: Sequence[int] | None = None,
        subset_lengths: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        if concat is not None:
            warnings.warn("concat is deprecated; say pooling='concat'", DeprecationWarning, stacklevel=2)
            pooling = "concat" if concat else pooling
        _check_is_for_images(encoder)
        self.encoder = encoder
        self.pooling = pooling
        self.subset_lengths = None if subset_lengths is None else [int(length) for length in subset_lengths]
        self.n_timestamps = _count_steps(pooling, n_timestamps, self.subset_lengths)
        self.num_frames = self.n_timestamps or FRAMES_TO_TRY
        self.features_permute_op = None if features_permute_op is None else tuple(features_permute_op)
        self.reverse_permute_op = _reverse(self.features_permute_op)
        specs = feature_specs(encoder)
        self._channel_axes = [self._channel_axis(spec) for spec in specs]
        times = (len(self.subset_lengths) if self.subset_lengths else self.num_frames) if pooling == "concat" else 1
        self.out_channels = [spec.out_channels * times for spec in specs]
        self.feature_specs: list[FeatureSpec] | None = None
        if pooling != "keep":
            self.feature_specs = [replace(spec, channels=spec.channels * times) for spec in specs]

    @property
    def input_spec(self) -> InputSpec:
        """What the encoder takes, as a time series."""
        return replace(input_spec(self.encoder), frames=self.num_frames, time_axis=True)

    @property
    def wrapped(self) -> nn.Module:
        """The encoder of single images."""
        return self.encoder

    def forward(self, x: Any, **kwargs: Any) -> list[Any]:
        """Encode a batch of time series.

        Raises:
            ShapeError: there is no time axis, or the number of steps is none that the wrapper was made for.
        """
        batch, steps = self._size(x)
        images = (
            {name: _step_by_step(tensor, steps) for name, tensor in x.items()}
            if isinstance(x, Mapping)
            else _step_by_step(x, steps)
        )
        keywords = {name: _keyword(name, value, batch, steps) for name, value in taken_by(self.encoder, kwargs).items()}
        features = self.encoder(images, **keywords)
        layers = list(features) if isinstance(features, list | tuple) else [features]
        return [self._pool_layer(layer, index, batch) for index, layer in enumerate(layers)]

    def _size(self, x: Any) -> tuple[int, int]:
        """The number of samples and of steps."""
        images = {"": x} if isinstance(x, Tensor) else {name: each for name, each in x.items() if each.ndim >= 4}
        found = {(each.shape[0], each.shape[2]) for each in images.values() if each.ndim == 5}
        if len(found) != 1 or any(each.ndim != 5 for each in images.values()):
            given = ", ".join(f"{name} {tuple(each.shape)}".lstrip() for name, each in images.items())
            raise ShapeError(
                f"Expected input shape [B, C, T, H, W], got {given or 'no image'}. TemporalWrapper takes time series, "
                "all of the same number of steps; without use_temporal the encoder takes single images"
            )
        batch, steps = found.pop()
        if self.n_timestamps is not None and steps != self.n_timestamps:
            said = "n_timestamps" if self.subset_lengths is None else "Sum of `subset_lengths`"
            raise ShapeError(f"{said} ({self.n_timestamps}) must equal timesteps ({steps}).")
        if self.pooling == "diff" and self.subset_lengths is None and steps != 2:
            raise ShapeError(f"pooling 'diff' takes 2 steps, got {steps}; subset_lengths makes two parts of a series")
        return batch, steps

    def _pool_layer(self, layer: Any, index: int, batch: int) -> Any:
        if isinstance(layer, Mapping):
            return {name: self._pool_layer(each, index, batch) for name, each in layer.items()}
        return self._pool(layer.unflatten(0, (batch, -1)), self._channel_axes[min(index, len(self._channel_axes) - 1)])

    def _pool(self, series: Shaped[Tensor, "batch steps ..."], channel_axis: int) -> Shaped[Tensor, "batch ..."]:
        if self.subset_lengths is not None:
            parts = series.split(self.subset_lengths, dim=1)
            series = torch.stack([part.mean(1) for part in parts], dim=1)
        if self.pooling == "mean":
            return series.mean(1)
        if self.pooling == "max":
            return series.amax(1)
        if self.pooling == "diff":
            return series[:, 0] - series[:, 1]
        if self.pooling == "concat":
            return torch.cat(series.unbind(1), dim=channel_axis)
        return series

    def _channel_axis(self, spec: FeatureSpec) -> int:
        if self.features_permute_op is not None:
            return self.features_permute_op[1]
        return 1 if spec.layout in (Layout.GRID, Layout.VECTOR) else -1


def _check_is_for_images(encoder: nn.Module) -> None:
    frames = frames_of(encoder)
    if frames > 1:
        raise ArgumentError(
            f"{type(encoder).__name__} takes time series of {frames} frames itself; leave out use_temporal, or "
            "num_frames"
        )


def _count_steps(pooling: str, n_timestamps: int | None, subset_lengths: list[int] | None) -> int | None:
    """The number of steps, as far as the arguments tell it."""
    if pooling not in POOLINGS:
        hint = did_you_mean(pooling, POOLINGS)
        raise ArgumentError(f"Unsupported pooling {pooling!r}, choose from {list(POOLINGS)}{hint or '.'}")
    if subset_lengths is not None:
        total = sum(subset_lengths)
        if not subset_lengths or min(subset_lengths) < 1:
            raise ArgumentError(f"subset_lengths is {subset_lengths}; lengths of at least 1 were expected")
        if pooling == "diff" and len(subset_lengths) != 2:
            raise ArgumentError(f"pooling 'diff' needs exactly two subsets, but subset_lengths is {subset_lengths}")
        if n_timestamps is not None and total != n_timestamps:
            raise ArgumentError(
                f"The sum of `subset_lengths` must equal `n_timestamps` (got sum={total}, n_timestamps={n_timestamps})."
            )
        return total
    if n_timestamps is not None and n_timestamps < 1:
        raise ArgumentError(f"n_timestamps is {n_timestamps}; at least 1 was expected")
    if pooling == "diff" and n_timestamps not in (None, 2):
        raise ArgumentError(f"pooling 'diff' takes 2 steps, but n_timestamps is {n_timestamps}; give subset_lengths")
    if pooling == "concat" and n_timestamps is None:
        raise ArgumentError("pooling 'concat' needs n_timestamps, on which the number of channels depends")
    return n_timestamps


def _reverse(permutation: Sequence[int] | None) -> tuple[int, ...] | None:
    if permutation is None:
        return None
    if sorted(permutation) != list(range(len(permutation))) or len(permutation) < 2 or permutation[0] != 0:
        raise ArgumentError(f"features_permute_op is {list(permutation)}: no permutation of axes that leaves the batch")
    return tuple(permutation.index(axis) for axis in range(len(permutation)))


def _step_by_step(x: Shaped[Tensor, "batch ..."], steps: int) -> Shaped[Tensor, "batch_steps ..."]:
    """All steps as a batch of single images; what has no time axis once for each step."""
    if x.ndim == 5:
        return x.transpose(1, 2).flatten(0, 1)
    return x.repeat_interleave(steps, dim=0)


def _keyword(name: str, value: Any, batch: int, steps: int) -> Any:
    if not isinstance(value, Tensor) or value.ndim == 0 or value.shape[0] != batch:
        return value
    if name != DATES:
        return value.repeat_interleave(steps, dim=0)
    if value.ndim < 2 or value.shape[1] != steps:
        raise ShapeError(f"{DATES} has the shape {tuple(value.shape)}: {(batch, steps, 2)} was expected, a date a step")
    return value.flatten(0, 1).unsqueeze(1)
