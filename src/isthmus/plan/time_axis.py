"""Whether the images of a configuration and an encoder agree about an axis of time."""

from dataclasses import replace

from torch import nn

from isthmus.errors import CompositionError
from isthmus.plan.probe import cannot_live_on_meta, evaluating, example_input, input_spec, on_meta, trial_size
from isthmus.specs.inputs import InputSpec

FRAMES = 2


def check_time_axis(encoder: nn.Module, series: bool | None) -> None:
    """Find an axis of time that was forgotten, in the data or in the model.

    Args:
        encoder: the encoder of a model.
        series: whether the images are time series `(B, C, T, H, W)`; None where nobody can tell.

    Raises:
        CompositionError: one of the two has an axis of time and the other has none.
    """
    takes, name = input_spec(encoder), type(encoder).__name__
    if series is False and takes.time_axis:
        raise CompositionError(
            f"the encoder {name} takes time series (B, C, T, H, W), but the data give single images; set "
            "data.init_args.expand_temporal_dimension: true, with the bands of one time step as dataset_bands"
        )
    if series and not takes.time_axis:
        problem = _problem_with_series(encoder, takes)
        if problem is not None:
            raise CompositionError(
                f"the data give time series (data.init_args.expand_temporal_dimension), but the encoder {name} takes "
                f"single images; set backbone_use_temporal: true. It says: {problem}"
            )


def _problem_with_series(encoder: nn.Module, takes: InputSpec) -> str | None:
    """What an encoder says to a short time series; None where it takes it, or cannot be asked on `meta`."""
    images = example_input(replace(takes, frames=FRAMES, time_axis=True), trial_size(takes))
    with evaluating(encoder):
        try:
            on_meta(encoder)(images)
        except (RuntimeError, NotImplementedError, ValueError, TypeError, IndexError) as error:
            return None if cannot_live_on_meta(error) else str(error).splitlines()[0]
    return None
