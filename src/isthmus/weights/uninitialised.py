"""Building a module without drawing the weights that are about to be loaded."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from torch import nn

from isthmus.filling import SkipFilling

_REGISTER = nn.Module.register_parameter


@contextmanager
def initialised() -> Iterator[None]:
    """Within it, modules are built as they always are, also inside `uninitialised`.

    For parameters that no published file holds, such as prompts: they are not loaded, so they need values.
    """
    with mock.patch.object(nn.Module, "register_parameter", _REGISTER):
        yield


@contextmanager
def uninitialised() -> Iterator[None]:
    """Within it, modules are built with parameters on the meta device, and with buffers as they always are.

    A parameter takes no memory then and its initialisation no time. It is for loading weights with `assign`
    afterwards, into every parameter but those built within `initialised`. Not for use in several threads at once.
    """

    def register_empty(self: nn.Module, name: str, param: nn.Parameter | None) -> None:
        if param is not None and not param.is_meta:
            param = nn.Parameter(param.detach().to("meta"), requires_grad=param.requires_grad)
        _REGISTER(self, name, param)

    with mock.patch.object(nn.Module, "register_parameter", register_empty), SkipFilling():
        yield
