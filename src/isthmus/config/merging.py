"""Putting a configuration together from several files and the overrides of the command line."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from isthmus.config_file import parse_value
from isthmus.errors import ConfigError, Fault

_OF_A_CLASS = frozenset({"class_path", "init_args", "dict_kwargs"})


def merge_configs(configs: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """One configuration of several, the later ones over the earlier ones.

    Mappings are merged key by key, everything else is replaced. Where a later one names another class, the arguments
    of the earlier class are dropped.
    """
    merged: dict[str, Any] = {}
    for config in configs:
        merged = _merge(merged, config)
    return merged


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    if "class_path" in over and "class_path" in base and over["class_path"] != base["class_path"]:
        return copy.deepcopy(dict(over))
    merged = copy.deepcopy(dict(base))
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merge(merged[key], value) if both else copy.deepcopy(value)
    return merged


def apply_overrides(config: Mapping[str, Any], arguments: Sequence[str]) -> dict[str, Any]:
    """The configuration with what the command line sets, as in `--trainer.max_epochs 5` or `--model.lr=1e-4`.

    The `init_args` between a class and its argument may be left out, and `trainer.callbacks.0.patience` reaches into
    a list.

    Raises:
        ConfigError: an argument is not of that form, or leads nowhere.
    """
    changed = copy.deepcopy(dict(config))
    faults: list[Fault] = []
    remaining = list(arguments)
    while remaining:
        argument = remaining.pop(0)
        key, equals, text = argument.partition("=")
        if not key.startswith("--") or len(key) == 2:
            faults.append(Fault(argument, "expected an override such as --trainer.max_epochs 5"))
            continue
        if not equals:
            if not remaining or remaining[0].startswith("--"):
                faults.append(Fault(key, "no value was given"))
                continue
            text = remaining.pop(0)
        fault = _set(changed, key[2:].split("."), parse_value(text))
        if fault:
            faults.append(Fault(key[2:], fault))
    if faults:
        raise ConfigError(faults, "the command line")
    return changed


def _set(config: dict[str, Any], path: list[str], value: Any) -> str:
    """Set a value deep inside; what is wrong with the path, or the empty string."""
    node: Any = config
    for step in path[:-1]:
        if isinstance(node, list):
            index = _index(step, node)
            if index is None:
                return f"{step!r} is no position in a list of {len(node)}"
            node = node[index]
        elif isinstance(node, dict):
            node = _inner(node, step)
            child = node.get(step)
            if isinstance(child, str):  # a class by its name alone
                child = {"class_path": child}
            if not isinstance(child, dict | list):
                child = {}
            node[step] = child
            node = child
        else:
            return f"there is nothing inside {step!r} to set"
    if isinstance(node, list):
        index = _index(path[-1], node)
        if index is None:
            return f"{path[-1]!r} is no position in a list of {len(node)}"
        node[index] = value
    elif isinstance(node, dict):
        _inner(node, path[-1])[path[-1]] = value
    else:
        return f"there is nothing inside {path[-2]!r} to set"
    return ""


def _inner(node: dict[str, Any], step: str) -> dict[str, Any]:
    """Where an argument of a class is kept: in its `init_args`."""
    if "class_path" not in node or step in _OF_A_CLASS:
        return node
    if not isinstance(node.get("init_args"), dict):
        node["init_args"] = {}
    inner: dict[str, Any] = node["init_args"]
    return inner


def _index(step: str, items: list[Any]) -> int | None:
    if not step.lstrip("-").isdigit() or not -len(items) <= int(step) < len(items):
        return None
    return int(step)
