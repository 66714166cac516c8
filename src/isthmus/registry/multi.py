"""`MultiSourceRegistry`: several registries behind one name space, told apart by a prefix."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

from isthmus.errors import NotRegisteredError, RegistrationError, UnknownNameError, did_you_mean
from isthmus.registry.entry import Entry


@runtime_checkable
class Source(Protocol):
    """What a registry must offer to be a source: names, entries for them, and building."""

    def __iter__(self) -> Iterator[str]: ...

    def __len__(self) -> int: ...

    def __contains__(self, name: object, /) -> bool: ...

    def entry(self, name: str) -> Entry:
        """What is known about a name; raises UnknownNameError."""
        ...

    def build(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Build what is registered under a name; raises UnknownNameError."""
        ...

    def includes_head(self, name: str) -> bool:
        """Whether what is built ends in its own head."""
        ...


class MultiSourceRegistry(Mapping[str, Source]):
    """Sources by prefix, asked in order.

    A name may carry the prefix of a source (`timm_resnet18`), and then only that source is asked; without a prefix the
    first source that has the name builds it. As a mapping it goes from prefix to source, while iterating yields every
    `prefix_name`, and `in` takes a name with or without its prefix.

    Args:
        kind: what the sources hold ("backbone"), for messages.
        sources: each source under its prefix, in the order in which they are asked.
    """

    def __init__(self, kind: str = "model", /, **sources: Source) -> None:
        self.kind = kind
        self._sources: dict[str, Source] = {}
        for prefix, source in sources.items():
            self.register_source(prefix, source)

    def register_source(self, prefix: str, registry: Source) -> None:
        """Add a source behind the others.

        Raises:
            NotRegisteredError: the prefix is taken.
            RegistrationError: the prefix holds an underscore and could never be told from the name.
        """
        if prefix in self._sources:
            raise NotRegisteredError(f"a source with the prefix {prefix!r} already exists")
        if "_" in prefix:
            raise RegistrationError(f"the prefix {prefix!r} holds an underscore, which ends a prefix")
        self._sources[prefix] = registry

    def resolve(self, name: str) -> tuple[str, str]:
        """The prefix of the source that has `name`, and the name without the prefix.

        Raises:
            UnknownNameError: no source has it; the message proposes the nearest names.
        """
        prefix, _, rest = name.partition("_")
        if rest and prefix in self._sources:
            self._sources[prefix].entry(rest)  # raises the source's own error
            return prefix, rest
        for prefix, source in self._sources.items():
            if name in source:
                return prefix, name
        raise UnknownNameError(self._unknown(name))

    def entry(self, name: str) -> Entry:
        """What is known about a name, without importing what stands behind it."""
        prefix, rest = self.resolve(name)
        return self._sources[prefix].entry(rest)

    def build(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Build what is registered under a name. What its constructor raises passes through unchanged.

        Raises:
            UnknownNameError: no source has it.
        """
        prefix, rest = self.resolve(name)
        return self._sources[prefix].build(rest, *args, **kwargs)

    def includes_head(self, name: str) -> bool:
        """Whether what is built under `name` ends in its own head (decoders only)."""
        prefix, rest = self.resolve(name)
        return self._sources[prefix].includes_head(rest)

    def find_registry(self, name: str) -> Source:
        """The source that has a name.

        Raises:
            NotRegisteredError: no source has it.
        """
        prefix, _, rest = name.partition("_")
        if rest and prefix in self._sources:
            return self._sources[prefix]
        for source in self._sources.values():
            if name in source:
                return source
        raise NotRegisteredError(f"{name!r} was not found in any registry{did_you_mean(name, self._bare_names())}")

    def find_class(self, name: str) -> Callable:
        """The constructor behind a name.

        Raises:
            NotRegisteredError: no source has it.
        """
        try:
            return self.entry(name).load()
        except UnknownNameError as error:
            raise NotRegisteredError(str(error)) from None

    def __getitem__(self, prefix: str) -> Source:
        if prefix not in self._sources:
            raise NotRegisteredError(f"there is no source {prefix!r}{did_you_mean(prefix, self._sources)}")
        return self._sources[prefix]

    def __iter__(self) -> Iterator[str]:
        for prefix, source in self._sources.items():
            yield from (f"{prefix}_{name}" for name in source)

    def __len__(self) -> int:
        return sum(len(source) for source in self._sources.values())

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        prefix, _, rest = name.partition("_")
        if rest and prefix in self._sources:
            return rest in self._sources[prefix]
        return any(name in source for source in self._sources.values())

    def keys(self) -> Any:
        """The prefixes, in the order in which the sources are asked."""
        return self._sources.keys()

    def values(self) -> Any:
        """The sources, in the order in which they are asked."""
        return self._sources.values()

    def items(self) -> Any:
        """Pairs of prefix and source."""
        return self._sources.items()

    def __repr__(self) -> str:
        return f"MultiSourceRegistry({', '.join(f'{prefix}={source!s}' for prefix, source in self.items())})"

    def __str__(self) -> str:
        parts = " | ".join(f"{prefix}: {source!s}" for prefix, source in self.items())
        return f"Multi source registry with {len(self)} items: {parts}"

    def _bare_names(self) -> Iterator[str]:
        for source in self._sources.values():
            yield from source

    def _unknown(self, name: str) -> str:
        hint = did_you_mean(name, self._bare_names())
        listed = ", ".join(self._sources)
        return f"the {self.kind} {name!r} could not be instantiated from any source ({listed}){hint or '.'}"
