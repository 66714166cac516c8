"""The models of timm as backbones, by name, without importing timm."""

import ast
import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeGuard

from isthmus.errors import UnknownNameError
from isthmus.registry.entry import Entry
from isthmus.registry.registry import Registry
from isthmus.registry.sources.static_scan import inherited_signature, merge, package_folder
from isthmus.signatures import Parameter, Signature, parse_module, static_signature

ADAPTER = "isthmus.models.backbones.timm_features:timm_features"

_MODEL = re.compile(rb"\n@register_model\s*\ndef (\w+)")
_RENAMED = re.compile(rb"\nregister_model_deprecations\(__name__, \{(.*?)\}\)", re.DOTALL)
_OLD_NAME = re.compile(rb"""['"](\w+)['"]\s*:""")

_OF_EVERY_MODEL = ("pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path", "cache_dir")


@dataclass(frozen=True)
class TimmEntry(Entry):
    """A model of timm, whose arguments are those of its class."""

    def signature(self) -> Signature:
        """What the adapter takes, what timm takes for every model, and what the model's class takes."""
        adapter = static_signature(ADAPTER) or Signature(())
        every = tuple(Parameter(name, required=False) for name in _OF_EVERY_MODEL)
        model = model_arguments(self.facts["family"])
        return merge(adapter.parameters, every, model.parameters, is_open=model.is_open).without(self.preset)


class TimmModels(Registry):
    """Every model of timm.

    Beside the listed names it takes a name with the tag of its weights (`convnext_atto.d2_in1k`) and the former names
    that timm itself still takes.
    """

    def __init__(self) -> None:
        super().__init__("timm backbone", scan_models())

    def entry(self, name: str) -> Entry:
        """What is known about a model, with or without the tag of its weights."""
        if name in self._entries:
            return self._entries[name]
        base = name.partition(".")[0]
        if base in self._entries:
            return _entry(name, self._entries[base].facts["family"])
        if name in former_names():
            return _entry(name, former_names()[name])
        raise UnknownNameError(self._unknown(name))

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        return name.partition(".")[0] in self._entries or name in former_names()


def scan_models() -> Iterator[Entry]:
    """Every function that timm registers as a model, found in its source."""
    for family, source in _sources():
        for name in _MODEL.findall(source):
            yield _entry(name.decode(), family)


@functools.cache
def former_names() -> dict[str, str]:
    """Names that timm has renamed, with the module that knows them."""
    return {
        name.decode(): family
        for family, source in _sources()
        for table in _RENAMED.findall(source)
        for name in _OLD_NAME.findall(table)
    }


@functools.cache
def model_arguments(family: str) -> Signature:
    """The arguments that the models in one module of timm take, read from its source.

    They are those of the classes that the module builds and those that its factory functions take out of their
    keywords. The signature is open where that does not show them all.
    """
    module = f"timm.models.{family}"
    tree = parse_module(module)
    if tree is None:
        return Signature((), is_open=True)
    taken, built, is_open = [], set(), False
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if _is_name(call.func, "build_model_with_cfg"):
            built |= _names_in(call.args[:1])
        elif _takes_from_keywords(call):
            taken += [Parameter(str(name.value), required=False) for name in call.args[:1] if _is_text(name)]
        elif any(_is_name(argument, "kwargs") for argument in call.args):
            is_open = True
    classes = {name for name in built | _assigned_to(tree, built) if name[:1].isupper()}
    found = [inherited_signature(f"{module}:{name}") for name in sorted(classes)]
    is_open = is_open or not found or any(signature is None or signature.is_open for signature in found)
    groups = [tuple(_optional(signature)) for signature in found if signature is not None]
    return merge(*groups, tuple(taken), is_open=is_open)


def _entry(name: str, family: str) -> Entry:
    return TimmEntry(name, ADAPTER, {"name": name}, {"family": family, "source": "timm"})


def _sources() -> Iterator[tuple[str, bytes]]:
    folder = package_folder("timm")
    for file in sorted((folder / "models").glob("[!_]*.py")) if folder else ():
        yield file.stem, file.read_bytes()


def _optional(signature: Signature) -> Iterator[Parameter]:
    """The arguments of a class, none of them required: timm's own function fills in what the class needs."""
    for parameter in signature.parameters:
        yield replace(parameter, required=False)


def _is_text(node: ast.expr) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _names_in(nodes: Iterable[ast.AST]) -> set[str]:
    return {inner.id for node in nodes for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _assigned_to(tree: ast.Module, variables: set[str]) -> set[str]:
    """The names that are assigned to any of these variables, as in `model_cls = Distilled if distilled else Plain`."""
    assignments = (node for node in ast.walk(tree) if isinstance(node, ast.Assign))
    return _names_in(node.value for node in assignments if _names_in(node.targets) & variables)


def _takes_from_keywords(call: ast.Call) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in {"pop", "get", "setdefault"}
        and _is_name(function.value, "kwargs")
    )
