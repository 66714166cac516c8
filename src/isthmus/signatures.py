"""The arguments that a constructor takes, read from its source or from the object, and held against what is given.

A configuration is checked before anything heavy is imported, so the arguments of a class must be known without
importing the module that defines it: `static_signature` reads them from the source. `live_signature` asks an object.
"""

import ast
import functools
import importlib.util
import inspect
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from isthmus.errors import ArgumentError, did_you_mean


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument: its name, whether it must be given, and its annotation and default as source text."""

    name: str
    required: bool
    annotation: str | None = None
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """The named arguments of a callable, without `self`.

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
                    hint = did_you_mean(prefix + name, [prefix + known for known in self.names])
                    takes = ", ".join(prefix + known for known in self.names) or "no arguments"
                    found.append(
                        (prefix + name, f"{owner} has no argument {prefix + name!r}{hint or '.'} It takes: {takes}")
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
        elif parameter.kind is not inspect.Parameter.VAR_POSITIONAL:
            empty = inspect.Parameter.empty
            annotation = None if parameter.annotation is empty else str(parameter.annotation)
            default = None if parameter.default is empty else repr(parameter.default)
            parameters.append(Parameter(parameter.name, parameter.default is empty, annotation, default))
    return Signature(tuple(parameters), is_open)


@functools.cache
def static_signature(reference: str) -> Signature | None:
    """The signature of `module:attribute`, read from the source of the module without importing it.

    For a class it is the signature of `__init__`, looked up along the base classes whose source can be found by name
    in the same module. None where the source cannot be found or read that way.
    """
    module, _, attribute = reference.partition(":")
    tree = _parse(module)
    return None if tree is None else _signature_in(tree, attribute)


@functools.cache
def _parse(module: str) -> ast.Module | None:
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


def _signature_in(tree: ast.Module, name: str) -> Signature | None:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return _from_arguments(node.args)
        if isinstance(node, ast.ClassDef) and node.name == name:
            return _from_class(tree, node)
    return None


def _from_class(tree: ast.Module, node: ast.ClassDef) -> Signature | None:
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            return _from_arguments(item.args, skip_first=True)
    for base in node.bases:
        if isinstance(base, ast.Name) and (inherited := _signature_in(tree, base.id)) is not None:
            return inherited
    return None


def _from_arguments(arguments: ast.arguments, *, skip_first: bool = False) -> Signature:
    positional = arguments.posonlyargs + arguments.args
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    pairs = list(zip(positional, defaults, strict=True))[1 if skip_first else 0 :]
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
