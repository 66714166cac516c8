"""What all statements share: they are plain data, and come back from it as they were."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar, TypeVar, get_type_hints

from isthmus.errors import ArgumentError, did_you_mean

_Statement = TypeVar("_Statement", bound="PlainData")


class PlainData:
    """A frozen dataclass that turns into dicts, lists, numbers and strings, as JSON holds them, and back."""

    __slots__ = ()

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, as plain data."""
        return {each.name: _plain(getattr(self, each.name)) for each in fields(self)}

    @classmethod
    def from_dict(cls: type[_Statement], data: Mapping[str, Any]) -> _Statement:
        """Make it again from what `to_dict` gave.

        Raises:
            ArgumentError: a field is unknown or missing.
        """
        known = [each.name for each in fields(cls)]
        for name in data:
            if name not in known:
                hint = did_you_mean(str(name), known) or f"; it has: {', '.join(known)}"
                raise ArgumentError(f"{cls.__name__} has no {name!r}{hint}", argument=str(name))
        hints = get_type_hints(cls)
        try:
            return cls(**{name: _frozen(value, hints[name]) for name, value in data.items()})
        except TypeError as error:
            raise ArgumentError(f"{cls.__name__} cannot be made of {dict(data)}: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, PlainData):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [_plain(item) for item in (sorted(value) if isinstance(value, frozenset) else value)]
    return str(value) if isinstance(value, str) else value  # of an enumeration, its text


def _frozen(value: Any, hint: Any) -> Any:
    """The value as its field holds it: tuples for lists, enumerations and statements by their class."""
    arguments = getattr(hint, "__args__", ())
    if isinstance(hint, type) and is_dataclass(hint) and isinstance(value, Mapping):
        return hint.from_dict(value)  # type: ignore[attr-defined]
    if isinstance(hint, type) and issubclass(hint, str) and isinstance(value, str):
        return hint(value)
    if isinstance(value, Mapping):
        return {key: _frozen(item, arguments[-1] if arguments else Any) for key, item in value.items()}
    if isinstance(value, list | tuple):
        inner = next(
            (each for each in (hint, *arguments) if getattr(each, "__origin__", None) in (tuple, frozenset)), None
        )
        items = tuple(_frozen(item, _item_hint(inner)) for item in value)
        return frozenset(items) if getattr(inner, "__origin__", None) is frozenset else items
    return value


def _item_hint(sequence: Any) -> Any:
    arguments = getattr(sequence, "__args__", ())
    return arguments[0] if arguments else Any
