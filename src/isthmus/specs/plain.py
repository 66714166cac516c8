"""What all statements share: they are plain data, and come back from it as they were."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, ClassVar, TypeVar, get_args, get_origin, get_type_hints

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
    for choice in get_args(hint) if isinstance(hint, UnionType) else (hint,):
        origin, arguments = get_origin(choice) or choice, get_args(choice)
        if isinstance(value, Mapping) and is_dataclass(choice):
            return choice.from_dict(value)  # type: ignore[union-attr]
        if isinstance(value, Mapping) and origin is Mapping:
            return {key: _frozen(item, arguments[-1]) for key, item in value.items()}
        if isinstance(value, list | tuple) and origin in (tuple, frozenset):
            return origin(_frozen(item, arguments[0]) for item in value)
        if isinstance(value, str) and isinstance(choice, type) and issubclass(choice, str):
            return choice(value)
    return value
