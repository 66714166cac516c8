"""Which keywords a module takes beside the images, so that it is given no others."""

import inspect
import warnings
from collections.abc import Mapping
from typing import Any

from torch import nn


def keywords_of(module: nn.Module) -> frozenset[str] | None:
    """The keywords that `forward` takes beside the images; None where it takes any."""
    parameters = list(inspect.signature(module.forward).parameters.values())
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return frozenset(parameter.name for parameter in parameters[1:])


def taken_by(module: nn.Module, given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `given` that `forward` takes. A warning says what is left out: somebody went to fetch it."""
    known = keywords_of(module) if given else None
    if known is None:
        return dict(given)
    left_out = [name for name in given if name not in known]
    if left_out:
        warnings.warn(f"{type(module).__name__} takes no {' and no '.join(left_out)}: left out", stacklevel=3)
    return {name: value for name, value in given.items() if name in known}
