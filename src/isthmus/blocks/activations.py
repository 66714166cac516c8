"""Activations by name."""

import importlib
from collections.abc import Callable
from functools import partial

from torch import nn

from isthmus.errors import ArgumentError, did_you_mean

SHORT_NAMES: dict[str, Callable[[], nn.Module]] = {
    "linear": nn.Identity,
    "relu": nn.ReLU,
    "leaky_relu": partial(nn.LeakyReLU, 0.2),
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "swish": nn.SiLU,
    "softplus": nn.Softplus,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "softmax": partial(nn.Softmax, dim=1),
}
"""Keras' names, with Keras' meaning: a leaky ReLU leaks a fifth, a softmax is over the channels."""


def activation_from(given: nn.Module | str, owner: str) -> nn.Module:
    """The activation of that name, or the module that is given.

    Args:
        given: a module; a short name, as "relu" (see `SHORT_NAMES`); the name of a class in `torch.nn`, as "ReLU"; or
            its dotted path, as "torch.nn.ReLU".
        owner: what the activation is for, for messages.

    Raises:
        ArgumentError: there is no such class; the message proposes the nearest names.
    """
    if isinstance(given, nn.Module):
        return given
    if given in SHORT_NAMES:
        return SHORT_NAMES[given]()
    path, _, name = given.rpartition(".")
    try:
        module = importlib.import_module(path or "torch.nn")
    except ImportError as error:
        raise ArgumentError(f"{owner}: the module {path!r} of the activation {given!r} cannot be imported") from error
    found = getattr(module, name, None)
    if not isinstance(found, type) or not issubclass(found, nn.Module):
        hint = did_you_mean(name, [*(each for each in dir(module) if each[:1].isupper()), *SHORT_NAMES])
        raise ArgumentError(f"{owner}: {path or 'torch.nn'} has no activation {name!r}{hint}")
    return found()
