"""Public names that are imported when they are first used (PEP 562).

A package that re-exports classes from heavy modules would make everyone pay for `import torch`, also those who only
list names. `lazy_exports` lets such a package say where each name lives; the table can be read without importing
anything, which is how the configuration check finds a class by its public path.
"""

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def lazy_exports(package: str, table: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the `__getattr__` and `__dir__` of a package whose public names live elsewhere.

    Args:
        package: the `__name__` of the package.
        table: public name to the module that defines it.

    Returns:
        The pair to assign to `__getattr__` and `__dir__` in the package.
    """

    def get(name: str) -> Any:
        module = table.get(name)
        if module is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(module), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted(set(vars(sys.modules[package])) | set(table))

    return get, names
