"""Things that other packages bring, found through entry points."""

import ast
import functools
import importlib
import sys
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, fields, replace
from typing import Any

from isthmus.registry.entry import Entry
from isthmus.signatures import bases_of, find_definition, literals_of

_OF_EVERY_ENTRY = frozenset(each.name for each in fields(Entry))


def with_plugins(group: str, catalog: Iterable[Entry], kind: type[Entry] = Entry) -> Iterator[Entry]:
    """The entries of a catalog, and behind them those of installed packages; see `plugin_entries`."""
    known = []
    for entry in catalog:
        known.append(entry)
        yield entry
    yield from plugin_entries(group, kind, known)


def plugin_entries(group: str, kind: type[Entry] = Entry, known: Iterable[Entry] = ()) -> Iterator[Entry]:
    """What installed packages register in an entry-point group.

    A package offers a backbone with, in its `pyproject.toml`::

        [project.entry-points."isthmus.backbones"]
        my_backbone = "my_package.backbone:my_backbone"

    and likewise everything else that a registry holds. The name of the entry point becomes its name. Where it leads to
    a class or a function, that is not imported: the first line of its docstring and the plain values among the
    attributes of the class, its own and those of its bases, are read from the source and become what the declaration
    asks for, and facts. What a class does not say, it has from the declaration of a base that is registered itself:
    a task that is derived from one of Isthmus needs no more than its entry point. Where it leads to anything else, that
    is imported and must be a declaration, or several.

    The packages are searched when the first entry is asked for.

    Args:
        group: such as `isthmus.backbones`.
        kind: the class of the declarations.
        known: what is registered already.
    """
    by_target = {entry.target: entry for entry in known}
    for point in sorted(_entry_points(tuple(sys.path)).select(group=group), key=lambda point: point.name):
        source = point.dist.name if point.dist else "plug-in"
        module, _, attribute = point.value.partition(":")
        found = find_definition(module, attribute)
        if found is None:
            yield from _imported(point.name, point.value, source)
            continue
        home, node = found
        entry = _described(Entry(point.name, point.value, facts={"source": source}), kind, home, node, by_target)
        if entry is not None:
            by_target[f"{home}:{node.name}"] = entry
            yield entry


@functools.cache
def _entry_points(path: tuple[str, ...]) -> Any:  # noqa: ARG001  where packages are searched
    """All entry points of the installed packages."""
    from importlib.metadata import entry_points  # 30 ms, and only where names are asked for

    return entry_points()


def _described(
    entry: Entry, kind: type[Entry], home: str, node: ast.FunctionDef | ast.ClassDef, known: dict[Any, Entry]
) -> Entry | None:
    """An entry with what the source of its class says; None, with a warning, where that is not enough."""
    doc = (ast.get_docstring(node) or "").partition("\n")[0].rstrip(".")
    own: dict[str, Any] = literals_of(home, node, inherited=False) if isinstance(node, ast.ClassDef) else {}
    said: dict[str, Any] = literals_of(home, node) if isinstance(node, ast.ClassDef) else {}
    names = [each.name for each in fields(kind) if each.name not in _OF_EVERY_ENTRY]
    told = {name: said[name] for name in names if name in said}
    facts = {**({"doc": doc} if doc else {}), **entry.facts}
    facts |= {name: value for name, value in own.items() if name not in names}
    base = _base(home, node, known)
    if isinstance(base, kind):
        told = {name: own[name] for name in names if name in own}  # what its bases say, the declaration knows better
        return replace(base, name=entry.name, target=entry.target, preset={}, facts={**base.facts, **facts}, **told)
    required = [each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING]
    missing = [name for name in required if name not in told and name not in _OF_EVERY_ENTRY]
    if missing:
        warnings.warn(
            f"{entry.facts['source']}: {entry.target!r} does not say {' and '.join(missing)}: left out; "
            f"give the class such attributes, or register a {kind.__name__}",
            stacklevel=2,
        )
        return None
    return kind(name=entry.name, target=entry.target, facts=facts, **told)


def _base(home: str, node: ast.FunctionDef | ast.ClassDef, known: dict[Any, Entry]) -> Entry | None:
    """The declaration of the nearest base of a class that has one."""
    for base in bases_of(home, node) if isinstance(node, ast.ClassDef) else ():
        entry = known.get(f"{base[0]}:{base[1].name}") or _base(*base, known)
        if entry is not None:
            return entry
    return None


def _imported(name: str, target: str, source: str) -> Iterator[Entry]:
    """The declarations at an entry point; what cannot be imported is told when it is built."""
    module, _, attribute = target.partition(":")
    try:
        given = getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        given = None
    declared = [given] if isinstance(given, Entry) else given if isinstance(given, list | tuple) else []
    for entry in declared:
        yield replace(entry, facts={**entry.facts, "source": source})
    if not declared:
        yield Entry(name, target, facts={"source": source})
