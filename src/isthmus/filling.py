"""Building modules from tensors that hold nothing, without pretending to fill them.

PyTorch works out what filling a tensor on the meta device would do, which is nothing, and imports its compiler for
that, which takes seconds.
"""

from typing import Any

import torch
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


class SkipFilling(TorchFunctionMode):
    """Within it, tensors on the meta device are not filled: neither drawn at random, nor set, nor scaled in place."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        filled = args[0] if args else kwargs.get("tensor")  # torch.nn.init names its arguments
        if getattr(func, "__name__", "") in _FILLING and isinstance(filled, torch.Tensor) and filled.is_meta:
            return filled
        return func(*args, **kwargs)
