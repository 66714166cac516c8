"""What a registry knows about a name without importing what stands behind it."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from isthmus.errors import RegistrationError
from isthmus.signatures import Signature, live_signature, static_signature


@dataclass(frozen=True)
class Entry:
    """A name, where its constructor lives, and what is known about it.

    Attributes:
        name: what it is called in configurations.
        target: the constructor, or where to find it, as `module:attribute`.
        preset: arguments that the name stands for; they are passed along and cannot be given again.
        facts: what a list can show without importing anything: family, parameters, bands, patch_size, licence, source
            of the weights and so on.
    """

    name: str
    target: Callable | str
    preset: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def load(self) -> Callable:
        """Import the constructor, if that has not happened yet.

        Raises:
            RegistrationError: the reference does not lead anywhere.
        """
        if not isinstance(self.target, str):
            return self.target
        module, _, attribute = self.target.partition(":")
        try:
            loaded = getattr(importlib.import_module(module), attribute)
        except AttributeError as error:
            raise RegistrationError(f"{self.name!r} is registered as {self.target!r}, which does not exist") from error
        if not callable(loaded):
            raise RegistrationError(f"{self.name!r} is registered as {self.target!r}, which cannot be called")
        return loaded  # type: ignore[no-any-return]

    def build(self, *args: Any, **kwargs: Any) -> Any:
        """Call the constructor with the preset and the given arguments."""
        return self.load()(*args, **self.preset, **kwargs)

    def signature(self) -> Signature:
        """The arguments that can be given, found without importing where the source can be read."""
        return self.known_signature() or live_signature(self.load()).without(self.preset)

    def known_signature(self) -> Signature | None:
        """The arguments that can be given, as far as they can be told without importing; None where they cannot."""
        if type(self).signature is not Entry.signature:
            return self.signature()  # entries of a kind of their own know how to read it
        if not isinstance(self.target, str):
            return live_signature(self.target).without(self.preset)
        static = static_signature(self.target)
        return None if static is None else static.without(self.preset)

    def described(self) -> dict[str, Any]:
        """Everything that is known and can be shown: what its kind says, and the facts."""
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in _OF_EVERY_ENTRY}
        plain = {name: value for name, value in own.items() if value is not None and not callable(value)}
        return {**self.facts, **plain}


_OF_EVERY_ENTRY = frozenset(each.name for each in fields(Entry))
