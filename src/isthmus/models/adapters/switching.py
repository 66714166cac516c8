"""Which of several adapters is in use."""

from torch import nn

from isthmus.errors import ArgumentError, did_you_mean
from isthmus.models.adapters.adapted_encoder import AdaptedEncoder, adapted_encoder


def use_adapter(model: nn.Module, name: str) -> None:
    """Use another adapter of an encoder; it alone is trained from now on.

    Args:
        model: an adapted encoder, or a model or a task with one.
        name: the name of the adapter.

    Raises:
        ArgumentError: there is no encoder with adapters, or no adapter of that name.
    """
    encoder = require_adapted(model)
    require_adapter(encoder, name)
    encoder.tuner.set_adapter(name)


def require_adapted(model: nn.Module) -> AdaptedEncoder:
    """The encoder with adapters in a model.

    Raises:
        ArgumentError: there is none.
    """
    encoder = adapted_encoder(model)
    if encoder is None:
        raise ArgumentError(f"{type(model).__name__} has no adapters; build it with a peft_config, or load_adapter()")
    return encoder


def require_adapter(encoder: AdaptedEncoder, name: str) -> None:
    """Raise an ArgumentError where an encoder has no adapter of a name."""
    if name not in encoder.adapters:
        hint = did_you_mean(name, encoder.adapters) or "."
        raise ArgumentError(f"there is no adapter {name!r}{hint} There are: {', '.join(encoder.adapters)}")
