"""`Registry`: names and the constructors behind them."""

import functools
import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import fields
from typing import Any, TypeVar

from isthmus.errors import NotRegisteredError, RegistrationError, UnknownNameError, did_you_mean
from isthmus.registry.entry import Entry

Constructor = TypeVar("Constructor")


class Registry(Set):
    """A set of names, each with a constructor that is imported only when it is built.

    Args:
        kind: what the registry holds ("backbone"), for messages and lists.
        catalog: entries to begin with. It is read when the first name is needed, so a generator that searches
            the disk costs nothing until then.
        entry_type: the class of its declarations; what it asks for, a class that is registered says in attributes of
            these names.
        elements: constructors to begin with, each under its keyword.
    """

    def __init__(
        self,
        kind: str = "model",
        catalog: Iterable[Entry] = (),
        entry_type: type[Entry] = Entry,
        /,
        **elements: Callable,
    ) -> None:
        self.kind = kind
        self._entry_type = entry_type
        self._catalog = catalog
        self._elements = elements

    @functools.cached_property
    def _entries(self) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        for entry in itertools.chain(self._catalog, itertools.starmap(Entry, self._elements.items())):
            self._put(entry, entries)
        return entries

    @classmethod
    def _from_iterable(cls, it: Iterable) -> set:
        return set(it)  # the set operations give plain sets of names

    def register(self, constructor: Constructor) -> Constructor:
        """Register a class or a function under its own name; made to be used as a decorator.

        Raises:
            RegistrationError: what is decorated is neither a class nor a function, or does not say what the registry
                asks of it.
        """
        name = getattr(constructor, "__name__", None)
        if not callable(constructor) or name is None:
            raise RegistrationError(
                f"{constructor!r} cannot be registered: decorate a function or a class with Registry.register"
            )
        asked = [each.name for each in fields(self._entry_type)[len(fields(Entry)) :]]
        said = {each: getattr(constructor, each) for each in asked if hasattr(constructor, each)}
        try:
            self.add(self._entry_type(name, constructor, **said))
        except TypeError as error:
            raise RegistrationError(f"the {self.kind} {name!r} does not say what is asked of one: {error}") from error
        return constructor

    def add(self, entry: Entry) -> None:
        """Add an entry. A name that is taken goes to the newcomer, with a warning."""
        self._put(entry, self._entries)

    def _put(self, entry: Entry, entries: dict[str, Entry]) -> None:
        if entry.name in entries:
            warnings.warn(f"the {self.kind} {entry.name!r} is registered again and replaces the first", stacklevel=4)
        entries[entry.name] = entry

    def entry(self, name: str) -> Entry:
        """What is known about a name, without importing what stands behind it.

        Raises:
            UnknownNameError: nothing is registered under `name`.
        """
        try:
            return self._entries[name]
        except KeyError:
            raise UnknownNameError(self._unknown(name)) from None

    def build(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call the constructor behind `name`. What it raises passes through unchanged.

        Raises:
            UnknownNameError: nothing is registered under `name`.
        """
        return self.entry(name).build(*args, **kwargs)

    def includes_head(self, name: str) -> bool:
        """Whether what is built under `name` ends in its own head (decoders only)."""
        return bool(self.entry(name).facts.get("includes_head", False))

    def __getitem__(self, name: str) -> Callable:
        if name not in self._entries:
            raise NotRegisteredError(self._unknown(name))
        return self._entries[name].load()

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __repr__(self) -> str:
        shown: Mapping[str, Callable | str] = {name: entry.target for name, entry in self._entries.items()}
        return f"Registry({shown!r})"

    def __str__(self) -> str:
        return f"Registry with {len(self)} registered items"

    def _unknown(self, name: str) -> str:
        return f"no {self.kind} is called {name!r}{did_you_mean(name, self) or '.'}"
