"""A part of a model as data."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from isthmus.signatures import Signature
from isthmus.specs.plain import PlainData


@dataclass(frozen=True, slots=True)
class Part(PlainData):
    """A part, and the arguments that its constructor is given beside what the rest of the model decides.

    Attributes:
        name: what it is called in its registry; or, in the place of a name, a constructor or a module that is built
            already. As plain data those are written as `module:class`, which no registry knows.
        arguments: by name, without a prefix.
    """

    name: Any
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What messages call it."""
        return self.name if isinstance(self.name, str) else getattr(self.name, "__name__", type(self.name).__name__)

    def to_dict(self) -> dict[str, Any]:
        """The name and the arguments."""
        plain = PlainData.to_dict(self)
        if self.name is not None and not isinstance(self.name, str):
            constructor = self.name if is_constructor(self.name) else type(self.name)
            plain["name"] = f"{constructor.__module__}:{constructor.__qualname__}"
        return plain


@dataclass(frozen=True, slots=True)
class Branch(PlainData):
    """An auxiliary decoder with its head.

    Attributes:
        name: what its output is called.
        decoder: the decoder.
        head: the head on it; None where the decoder includes it.
    """

    name: str
    decoder: Part
    head: Part | None = None


def is_constructor(given: object) -> bool:
    """Whether something is to be called to make a part, rather than being one."""
    return isinstance(given, type) or inspect.isroutine(given)


def behind_channels(signature: Signature | None) -> Signature | None:
    """What is left for the user of a constructor whose first argument is the channels of the features."""
    return None if signature is None else Signature(signature.parameters[1:], signature.is_open)
