"""Running on the `meta` device without waking PyTorch's compiler.

PyTorch's shape functions import `torch._dynamo` and the machinery of symbolic shapes (sympy) when they are first
called, which costs several seconds of start-up and is of use only where shapes are symbols. Here they are numbers.
While `light_meta` is entered, stand-ins take the place of the three modules: a decorator that leaves functions alone,
comparisons of plain numbers, and a type that no number is of. Modules that are imported already stay; what a stand-in
lacks is an ImportError, on which the caller goes on without stand-ins.
"""

import importlib.util
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_COMPILER = "torch._dynamo"
_SYMBOLS = "torch.fx.experimental.symbolic_shapes"
_ALGEBRA = "sympy"


@contextmanager
def light_meta() -> Iterator[None]:
    """Put the stand-ins in place for the modules that are not imported yet, and take them away again."""
    undecorated: list[Callable] = []
    makers: dict[str, Callable[[], types.ModuleType]] = {
        _COMPILER: lambda: _compiler(undecorated),
        _SYMBOLS: lambda: _Symbols(_SYMBOLS),
        _ALGEBRA: _algebra,
    }
    stand_ins = {name: make() for name, make in makers.items() if name not in sys.modules}
    before = set(sys.modules)
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, module in stand_ins.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
        for function in undecorated:
            vars(function).pop("__dynamo_disable", None)
        _forget_what_kept_a_stand_in(set(sys.modules) - before, set(map(id, stand_ins.values())))


def _compiler(undecorated: list[Callable]) -> types.ModuleType:
    def disable(function: Callable, *_: Any, **__: Any) -> Callable:
        undecorated.append(function)
        return function

    module = types.ModuleType(_COMPILER)
    module.disable = disable  # type: ignore[attr-defined]
    module.__spec__ = importlib.util.find_spec(_COMPILER)
    return module


class _Symbols(types.ModuleType):
    """The comparisons of `symbolic_shapes`, for plain numbers."""

    def __getattr__(self, name: str) -> Any:
        if name not in _COMPARISONS:
            raise AttributeError(name)  # which `from ... import` turns into an ImportError
        return _COMPARISONS[name]


def _algebra() -> types.ModuleType:
    module = types.ModuleType(_ALGEBRA)
    module.Basic = type("Basic", (), {})  # type: ignore[attr-defined]
    return module


def _bool(value: Any, *_: Any) -> bool:
    return bool(value)


def _all(*values: Any) -> bool:
    return all(values)


def _any(*values: Any) -> bool:
    return any(values)


def _equal(one: Any, other: Any) -> bool:
    return bool(one == other)


def _same(value: Any, *_: Any) -> Any:
    return value


def _true(*_: Any) -> bool:
    return True


def _no_symbols(*_: Any) -> set[Any]:
    return set()


def _false(*_: Any) -> bool:
    return False


_COMPARISONS: dict[str, Callable] = {
    **dict.fromkeys(("expect_true", "guard_bool", "guard_or_false", "guard_or_true"), _bool),
    **dict.fromkeys(("guard_size_oblivious", "statically_known_true"), _bool),
    **dict.fromkeys(("guard_int", "guard_float", "guard_scalar", "guarding_hint_or_throw"), _same),
    "has_guarding_hint": _true,
    "sym_and": _all,
    "sym_or": _any,
    "sym_eq": _equal,
    "free_unbacked_symbols": _no_symbols,
    "free_symbols": _no_symbols,
    "is_nested_int": _false,
    "is_symbolic": _false,
    "has_free_symbols": _false,
    "has_free_unbacked_symbols": _false,
}


def _forget_what_kept_a_stand_in(names: set[str], stand_ins: set[int]) -> None:
    """Let modules that were imported meanwhile, and hold on to a stand-in, be imported anew the next time."""
    own = {id(function) for function in _COMPARISONS.values()} | stand_ins
    for name in names:
        module = sys.modules.get(name)
        if module is not None and any(id(value) in own for value in vars(module).values()):
            del sys.modules[name]
