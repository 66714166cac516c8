"""Reading an installed package without importing it: importing timm costs seconds, reading its source a blink."""

import ast
import functools
import importlib.util
from pathlib import Path

from isthmus.signatures import Parameter, Signature, find_definition, static_signature

CHANNEL_LIST = Parameter("channel_list", required=True, annotation="list[int]")  # what every decoder is given first


@functools.cache
def package_folder(package: str) -> Path | None:
    """Where a top-level package is installed, found without executing it; None where it is not installed."""
    spec = importlib.util.find_spec(package)
    locations = None if spec is None else spec.submodule_search_locations
    return Path(next(iter(locations))) if locations else None


@functools.cache
def inherited_signature(reference: str) -> Signature | None:
    """The signature of a class at `module:name`, where `**kwargs` stands for the arguments of its base classes.

    It stays open only where the last class along the bases takes `**kwargs` itself or cannot be found.
    """
    own = static_signature(reference)
    if own is None or not own.is_open:
        return own
    module, _, name = reference.partition(":")
    found = find_definition(module, name)
    if found is None or not isinstance(found[1], ast.ClassDef):
        return own
    for base in found[1].bases:
        inherited = inherited_signature(f"{found[0]}:{base.id}") if isinstance(base, ast.Name) else None
        if inherited is not None:
            return merge(own.parameters, inherited.parameters, is_open=inherited.is_open)
    return own


def merge(*groups: tuple[Parameter, ...], is_open: bool = False) -> Signature:
    """One signature of several groups of arguments; the first to name an argument describes it."""
    parameters: dict[str, Parameter] = {}
    for group in groups:
        for parameter in group:
            parameters.setdefault(parameter.name, parameter)
    return Signature(tuple(parameters.values()), is_open)
