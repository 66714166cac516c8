"""Holding a value from a configuration against an annotation that is known only as source text.

Only what plain data can settle is settled: an annotation with a name that is not known here takes anything, and the
parser that has imported the class has the last word.
"""

import ast
from typing import Any

_SEQUENCES = frozenset({"list", "List", "Sequence", "Iterable", "Collection", "set", "frozenset"})
_MAPPINGS = frozenset({"dict", "Dict", "Mapping", "MutableMapping"})


def fits(annotation: str | None, value: Any) -> bool:
    """Whether `value` may be given where `annotation` stands.

    >>> fits("int | None", None), fits("list[float]", [1, 2.5]), fits("bool", "yes please"), fits("Tensor", 3)
    (True, True, False, True)
    """
    if annotation is None:
        return True
    try:
        node = ast.parse(annotation, mode="eval").body
    except SyntaxError:
        return True
    return _fits(node, value)


def _fits(node: ast.expr, value: Any) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _fits(node.left, value) or _fits(node.right, value)
    if isinstance(node, ast.Constant):
        return value is None if node.value is None else fits(str(node.value), value)
    if isinstance(node, ast.Subscript):
        return _fits_generic(_last_name(node.value), node.slice, value)
    return _fits_name(_last_name(node), value)


def _fits_name(name: str, value: Any) -> bool:
    if name == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "float":
        return isinstance(value, int | float) and not isinstance(value, bool)
    plain: dict[str, Any] = {"str": str, "bool": bool, "Path": str, "None": type(None), "tuple": list}
    if name in plain:
        return isinstance(value, plain[name])
    if name in _SEQUENCES:
        return isinstance(value, list)
    if name in _MAPPINGS:
        return isinstance(value, dict)
    return True


def _fits_generic(name: str, inner: ast.expr, value: Any) -> bool:
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name == "Union":
        return any(_fits(part, value) for part in parts)
    if name == "Optional":
        return value is None or _fits(inner, value)
    if name == "Literal":
        return any(isinstance(part, ast.Constant) and part.value == value for part in parts)
    if name == "tuple":
        return isinstance(value, list) and _fits_tuple(parts, value)
    if name in _SEQUENCES:
        return isinstance(value, list) and all(_fits(inner, item) for item in value)
    if name in _MAPPINGS and len(parts) == 2:
        key, item = parts
        return isinstance(value, dict) and all(_fits(key, k) and _fits(item, v) for k, v in value.items())
    return True


def _fits_tuple(parts: list[ast.expr], value: list[Any]) -> bool:
    if len(parts) == 2 and isinstance(parts[1], ast.Constant) and parts[1].value is Ellipsis:
        return all(_fits(parts[0], item) for item in value)
    return len(parts) == len(value) and all(map(_fits, parts, value))


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
