"""Building a module without drawing the weights that are about to be loaded."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

_FILLING = frozenset(
    {
        "uniform_",
        "normal_",
        "fill_",
        "zero_",
        "mul_",
        "div_",
        "add_",
        "sub_",
        "erfinv_",
        "clamp_",
        "copy_",
        "bernoulli_",
        "constant_",
        "kaiming_uniform_",
    }
)


class _SkipFilling(TorchFunctionMode):
    """Leaves out the filling of tensors that hold nothing; PyTorch's own way imports a compiler for it."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        filled = args[0] if args else kwargs.get("tensor")  # torch.nn.init names its arguments
        if getattr(func, "__name__", "") in _FILLING and isinstance(filled, torch.Tensor) and filled.is_meta:
            return filled
        return func(*args, **kwargs)


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

    with mock.patch.object(nn.Module, "register_parameter", register_empty), _SkipFilling():
        yield
