"""The arguments that a constructor takes, read from its source or from the object, and held against what is given.

A configuration is checked before anything heavy is imported, so the arguments of a class must be known without
importing the module that defines it: `static_signature` reads them from the source. `live_signature` asks an object.
"""

import ast
import contextlib
import functools
import importlib.util
import inspect
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.errors import ArgumentError, did_you_mean

_COSTLY = frozenset({"torch", "lightning"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument: its name, whether it must be given, and its annotation and default as source text."""

    name: str
    required: bool
    annotation: str | None = None
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """The arguments of a callable that can be given by name, without `self`.

    Attributes:
        parameters: in the order of the source.
        is_open: whether any other keyword is taken as well (`**kwargs`).
    """

    parameters: tuple[Parameter, ...]
    is_open: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the arguments."""
        return tuple(parameter.name for parameter in self.parameters)

    def without(self, names: Collection[str]) -> "Signature":
        """The same signature less the arguments that someone else fills in."""
        kept = tuple(parameter for parameter in self.parameters if parameter.name not in names)
        return Signature(kept, self.is_open)

    def faults(self, given: Iterable[str], owner: str, prefix: str = "") -> list[tuple[str, str]]:
        """Every argument in `given` that does not belong, and every one that is missing.

        Args:
            given: the names of the arguments that are to be passed.
            owner: what they are passed to, for the message.
            prefix: what stands before each name where the user wrote it, such as `decoder_`.

        Returns:
            Pairs of the argument as the user wrote it and what is wrong with it.
        """
        given = list(given)
        found = []
        if not self.is_open:
            for name in given:
                if name not in self.names:
                    takes = ", ".join(prefix + known for known in self.names) or "no arguments"
                    hint = did_you_mean(prefix + name, [prefix + known for known in self.names])
                    found.append(
                        (prefix + name, f"{owner} has no argument {prefix + name!r}{hint or f'. It takes: {takes}'}")
                    )
        for parameter in self.parameters:
            if parameter.required and parameter.name not in given:
                found.append((prefix + parameter.name, f"{owner} needs the argument {prefix + parameter.name!r}"))
        return found


def check_arguments(signature: Signature, given: Iterable[str], owner: str, prefix: str = "") -> None:
    """Raise one error that names every argument that `signature` does not take or misses.

    Raises:
        ArgumentError: with a line for each faulty argument and the nearest valid names.
    """
    found = signature.faults(given, owner, prefix)
    if found:
        raise ArgumentError("\n".join(message for _, message in found))


def live_signature(target: Callable) -> Signature:
    """The signature of an object that is already imported."""
    parameters, is_open = [], False
    for parameter in inspect.signature(target).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            is_open = True
        elif parameter.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.POSITIONAL_ONLY):
            empty = inspect.Parameter.empty
            annotation = None if parameter.annotation is empty else str(parameter.annotation)
            default = None if parameter.default is empty else repr(parameter.default)
            parameters.append(Parameter(parameter.name, parameter.default is empty, annotation, default))
    return Signature(tuple(parameters), is_open)


@functools.cache
def static_signature(reference: str) -> Signature | None:
    """The signature of `module:attribute`, read from the source of the module without importing it.

    The attribute may be a function, a class (then it is the signature of `__init__`, looked up along the base
    classes, or the fields of a dataclass) or `Class.method`; names that the module only imports or exports lazily are
    followed to where they are defined. None where the source cannot be found or read that way.
    """
    module, _, attribute = reference.partition(":")
    owner, _, method = attribute.partition(".")
    found = find_definition(module, owner)
    if found is None:
        return None
    home, node = found
    if isinstance(node, ast.FunctionDef):
        return _from_arguments(node.args)
    return _from_class(home, node, method or "__init__")


def find_definition(module: str, name: str) -> tuple[str, ast.FunctionDef | ast.ClassDef] | None:
    """The module that defines what `module` calls `name`, and the definition, without importing either."""
    tree = parse_module(module)
    if tree is None:
        return None
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return module, node
    for imported in _imports(tree):
        for alias in imported.names:
            if (alias.asname or alias.name) == name:
                return find_definition(_absolute(imported, module), alias.name)
    lazy = lazy_table(tree)
    return find_definition(lazy[name], name) if name in lazy else None


def bases_of(module: str, node: ast.ClassDef) -> Iterator[tuple[str, ast.ClassDef]]:
    """The bases of a class, each with the module that defines it, but for those of packages that are costly to read."""
    tree = parse_module(module)
    origins = {
        alias.asname or alias.name: str(imported.module).partition(".")[0]
        for imported in (() if tree is None else _imports(tree))
        for alias in imported.names
    }
    for base in node.bases:
        if isinstance(base, ast.Name) and origins.get(base.id) not in _COSTLY:
            found = find_definition(module, base.id)
            if found is not None and isinstance(found[1], ast.ClassDef):
                yield found[0], found[1]


def literals_of(module: str, node: ast.ClassDef, *, inherited: bool = True) -> dict[str, Any]:
    """The public attributes of a class that are plain values, its own before those of its bases, from the source."""
    found: dict[str, Any] = {}
    for base in reversed(list(bases_of(module, node)) if inherited else []):
        found |= literals_of(*base)
    for item in node.body:
        targets = item.targets if isinstance(item, ast.Assign) else [getattr(item, "target", None)]
        value = item.value if isinstance(item, ast.Assign | ast.AnnAssign) else None
        for target in targets:
            if value is not None and isinstance(target, ast.Name) and not target.id.startswith("_"):
                with contextlib.suppress(ValueError):
                    found[target.id] = ast.literal_eval(value)
    return found


def exports(module: str) -> tuple[str, ...]:
    """The public names of a module, read from its source.

    They are its lazy table, its `__all__`, or else its classes and what it imports from its own package.
    """
    tree = parse_module(module)
    if tree is None:
        return ()
    if lazy := lazy_table(tree):
        return tuple(lazy)
    listed = _assigned(tree, "__all__")
    if isinstance(listed, ast.List | ast.Tuple):
        return tuple(str(item.value) for item in listed.elts if isinstance(item, ast.Constant))
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    imported = [node for node in _imports(tree) if node.level]
    names = classes + [alias.asname or alias.name for node in imported for alias in node.names]
    return tuple(name for name in names if not name.startswith("_"))


def lazy_table(tree: ast.Module) -> dict[str, str]:
    """The table that a package gives to `lazy_exports`: public name to the module that defines it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "lazy_exports":
            table = node.args[1]
            if isinstance(table, ast.Name):
                table = _assigned(tree, table.id) or table
            with contextlib.suppress(ValueError):
                found: dict[str, str] = ast.literal_eval(table)
                return found
    return {}


def _assigned(tree: ast.Module, name: str) -> ast.expr | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == name for to in node.targets):
            return node.value
    return None


@functools.cache
def parse_module(module: str) -> ast.Module | None:
    """The source of a module as a tree, found without importing the module or the packages around it."""
    path = _source_file(module)
    return None if path is None else ast.parse(path.read_text(encoding="utf-8"))


def _source_file(module: str) -> Path | None:
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ModuleNotFoundError, ValueError):
        return None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin is not None and spec.origin.endswith(".py") else None
    for folder in spec.submodule_search_locations or ():
        base = Path(folder, *rest)
        for path in (base / "__init__.py", base.with_name(base.name + ".py")):
            if path.is_file():
                return path
    return None


def _imports(tree: ast.Module) -> Iterator[ast.ImportFrom]:
    return (node for node in tree.body if isinstance(node, ast.ImportFrom))


def _absolute(node: ast.ImportFrom, module: str) -> str:
    """The module that a `from ... import` names, seen from `module`."""
    if not node.level:
        return node.module or ""
    path = _source_file(module)
    package = module.split(".")
    up = node.level - (1 if path is not None and path.name == "__init__.py" else 0)
    return ".".join([*package[: len(package) - up], *([node.module] if node.module else [])])


def _from_class(module: str, node: ast.ClassDef, method: str) -> Signature | None:
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == method:
            return _from_arguments(item.args, skip_first=not _is_static(item))
    if method == "__init__" and _is_dataclass(node):
        return _from_fields(module, node)
    for base in node.bases:
        found = find_definition(module, base.id) if isinstance(base, ast.Name) else None
        if found is not None and isinstance(found[1], ast.ClassDef):
            inherited = _from_class(found[0], found[1], method)
            if inherited is not None:
                return inherited
    return None


def _is_dataclass(node: ast.ClassDef) -> bool:
    callees = (each.func if isinstance(each, ast.Call) else each for each in node.decorator_list)
    return any(isinstance(callee, ast.Name) and callee.id == "dataclass" for callee in callees)


def _from_fields(module: str, node: ast.ClassDef) -> Signature:
    """The fields of a dataclass, those of its bases first, in the order in which Python resolves names."""
    found: dict[str, Parameter] = {}
    for each in reversed(_resolution(module, node)):
        for item in each.body:
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                annotation, default = ast.unparse(item.annotation), item.value
                if not annotation.startswith("ClassVar"):
                    shown = None if default is None else ast.unparse(default)
                    found[item.target.id] = Parameter(item.target.id, default is None, annotation, shown)
    required = [each for each in found.values() if each.required]
    return Signature((*required, *(each for each in found.values() if not each.required)))


def _resolution(module: str, node: ast.ClassDef) -> list[ast.ClassDef]:
    """A class and its bases, each before its own bases, and one that several have behind all of them."""
    line = [node]
    for base in node.bases:
        found = find_definition(module, base.id) if isinstance(base, ast.Name) else None
        if found is not None and isinstance(found[1], ast.ClassDef):
            line += _resolution(found[0], found[1])
    return [each for index, each in enumerate(line) if each not in line[index + 1 :]]


def _is_static(node: ast.FunctionDef) -> bool:
    return any(isinstance(decorator, ast.Name) and decorator.id == "staticmethod" for decorator in node.decorator_list)


def _from_arguments(arguments: ast.arguments, *, skip_first: bool = False) -> Signature:
    positional = arguments.posonlyargs + arguments.args
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    nameless = max(len(arguments.posonlyargs), int(skip_first))
    pairs = list(zip(positional, defaults, strict=True))[nameless:]
    pairs += list(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
    parameters = tuple(
        Parameter(
            argument.arg,
            default is None,
            None if argument.annotation is None else ast.unparse(argument.annotation),
            None if default is None else ast.unparse(default),
        )
        for argument, default in pairs
    )
    return Signature(parameters, arguments.kwarg is not None)
