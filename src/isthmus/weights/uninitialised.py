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
    }
)


class _SkipFilling(TorchFunctionMode):
    """Leaves out the filling of tensors that hold nothing; PyTorch's own way imports a compiler for it."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in _FILLING and isinstance(args[0], torch.Tensor) and args[0].is_meta:
            return args[0]
        return func(*args, **(kwargs or {}))


@contextmanager
def uninitialised() -> Iterator[None]:
    """Within it, modules are built with parameters on the meta device, and with buffers as they always are.

    A parameter takes no memory then and its initialisation no time. It is for loading weights with `assign`
    afterwards, into every parameter. Not for use in several threads at once.
    """
    register = nn.Module.register_parameter

    def register_empty(self: nn.Module, name: str, param: nn.Parameter | None) -> None:
        if param is not None and not param.is_meta:
            param = nn.Parameter(param.detach().to("meta"), requires_grad=param.requires_grad)
        register(self, name, param)

    with mock.patch.object(nn.Module, "register_parameter", register_empty), _SkipFilling():
        yield
