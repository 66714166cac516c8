"""The arguments of a task as a checkpoint holds them: plain data, without code and without downloads."""

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

_NOT_PLAIN = object()
_NO_ARGUMENTS = frozenset({"self", "__class__", "given", "training"})


def plain_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a constructor that are plain data: numbers, strings, and lists and dicts of them.

    Dataclasses become dicts; modules and classes are left out, and so is the whole argument that holds one, and
    `training`, which stands for arguments that are kept where they are named.
    """
    plain = {name: _plain(value) for name, value in arguments.items() if name not in _NO_ARGUMENTS}
    return {name: value for name, value in plain.items() if value is not _NOT_PLAIN}


def without_pretrained(model_args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a factory for a model whose weights come from a checkpoint: none are fetched for it."""
    kept = {key: value for key, value in model_args.items() if not key.endswith("ckpt_path")}
    fetched = [key for key in kept if key == "pretrained" or key.endswith("_pretrained")]
    return kept | dict.fromkeys(fetched, False)


def _plain(value: Any) -> Any:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        pairs = {key: _plain(each) for key, each in value.items()}
        known = all(isinstance(key, str) for key in pairs) and all(each is not _NOT_PLAIN for each in pairs.values())
        return pairs if known else _NOT_PLAIN
    if isinstance(value, list | tuple):
        items = [_plain(item) for item in value]
        return items if all(item is not _NOT_PLAIN for item in items) else _NOT_PLAIN
    return _NOT_PLAIN
