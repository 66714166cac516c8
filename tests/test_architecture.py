"""The rules of the house, held against the source: who may import whom, what is imported when, and what never occurs."""

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "isthmus"
FILES = sorted(SOURCE.rglob("*.py"))

# From the outside in. A part imports what stands further in than itself, and nothing beside itself.
LEVELS = (
    {"__main__"},
    {"cli", "demo"},
    {"compat"},
    {"config"},
    {"tasks", "report", "scenes", "bundle", "baselines"},
    {"datamodules", "predictions"},
    {"models", "datasets", "statistics"},
    {"plan", "transforms", "weights"},
    {"blocks", "composition", "rasters", "filling"},
    {"registry"},
    {"specs", "bands", "signatures", "config_file"},
    {"errors", "atomic", "_lazy", "_version"},
)
TOGETHER = (
    {"cli", "demo"},  # the demo runs commands, and a command runs the demo
    {"datasets", "statistics"},  # statistics are computed over samples, and datasets check against them
)

MODELS_AND_BELOW = set().union({"predictions"}, *LEVELS[LEVELS.index({"models", "datasets", "statistics"}) :]) - {
    "datasets",
    "statistics",
    "transforms",
    "rasters",
}

# What is asked before anyone has paid for `import torch`.
TORCH_FREE_PARTS = {
    "registry",
    "composition",
    "config",
    "config_file",
    "specs",
    "signatures",
    "bands",
    "errors",
    "atomic",
    "_lazy",
    "_version",
}
TORCH_FREE_FILES = {"cli/__init__.py", "cli/dispatcher.py", "cli/list.py"}

HEAVY = {
    "torchvision",
    "timm",
    "segmentation_models_pytorch",
    "lightning",
    "pytorch_lightning",
    "torchmetrics",
    "huggingface_hub",
    "rasterio",
    "mmseg",
    "mmcv",
    "mmengine",
    "peft",
    "matplotlib",
    "torchgeo",
    "olmoearth_pretrain_minimal",
}

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}


def name_of(file):
    return str(file.relative_to(SOURCE))


def part_of(file):
    relative = file.relative_to(SOURCE)
    return relative.parts[0].removesuffix(".py")


@functools.cache
def tree_of(file):
    return ast.parse(file.read_text(encoding="utf-8"))


def imports_of(file, *, only_at_module_level=False):
    """Every module that a file imports, in full; with `only_at_module_level`, those that importing it imports."""
    tree = tree_of(file)
    for node in at_module_level(tree) if only_at_module_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def at_module_level(node):
    """The statements that run when a module is imported: everything outside functions."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from at_module_level(child)


def level_of(part):
    return next((index for index, level in enumerate(LEVELS) if part in level), None)


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_imports_point_inwards(file):
    part = part_of(file)
    if part == "__init__":
        return
    level = level_of(part)
    assert level is not None, f"{part} has no place in LEVELS: say on which level it stands"
    for module in imports_of(file):
        names = module.split(".")
        if names[0] != "isthmus" or len(names) < 2 or names[1] == part or {part, names[1]} in TOGETHER:
            continue
        other = level_of(names[1])
        assert other is None or other > level, f"{name_of(file)} imports {module}, which is not further in"


@pytest.mark.parametrize("file", [file for file in FILES if part_of(file) in MODELS_AND_BELOW], ids=name_of)
def test_models_and_below_know_no_lightning(file):
    packages = {module.split(".")[0] for module in imports_of(file)}
    assert not packages & {"lightning", "pytorch_lightning", "torchmetrics"}


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_heavy_packages_are_imported_where_they_are_used(file):
    part = part_of(file)
    forbidden = HEAVY if part in MODELS_AND_BELOW else set()
    if part in TORCH_FREE_PARTS or file.name == "__init__.py" or name_of(file) in TORCH_FREE_FILES:
        forbidden = HEAVY | {"torch", "numpy", "jaxtyping"}
    found = {module.split(".")[0] for module in imports_of(file, only_at_module_level=True)} & forbidden
    assert not found, f"{name_of(file)} imports {', '.join(sorted(found))} when it is imported itself"


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_file_is_named_after_its_subject_and_stays_small(file):
    assert file.stem not in FORBIDDEN_NAMES
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_what_the_library_never_does(file):
    for node in ast.walk(tree_of(file)):
        place = f"{name_of(file)}:{getattr(node, 'lineno', 0)}"
        assert not isinstance(node, ast.Assert), f"{place}: an assert is no check of an input"
        assert not (isinstance(node, ast.Call) and is_name(node.func, "print")), f"{place}: the library does not print"
        assert not (isinstance(node, ast.Raise) and raises_exception(node)), f"{place}: raise an error of the tree"
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"{place}: except what?"
            assert not is_name(node.type, "Exception"), f"{place}: except what exactly?"
            assert not is_name(node.type, "BaseException"), f"{place}: except what exactly?"


def is_name(node, name):
    return isinstance(node, ast.Name) and node.id == name


def raises_exception(node):
    raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return raised is not None and (is_name(raised, "Exception") or is_name(raised, "BaseException"))


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_functions_are_short(file):
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node) is not None
            body = node.body[1:] if documented else node.body
            lines = 0 if not body else body[-1].end_lineno - body[0].lineno + 1
            assert lines <= 50, f"{name_of(file)}: {node.name} has {lines} lines"


@pytest.mark.parametrize("module", ["isthmus", "isthmus.registry", "isthmus.cli", "isthmus.specs", "isthmus.errors"])
def test_importing_it_imports_nothing_heavy(module):
    program = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    found = set(done.stdout.split()) & (HEAVY | {"torch", "numpy", "yaml", "jsonargparse", "rich"})
    assert not found


@pytest.mark.slow
@pytest.mark.parametrize("module", ["isthmus.models", "isthmus.models.pixel_wise", "isthmus.plan"])
def test_building_blocks_import_torch_at_most(module):
    program = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=120)
    assert not set(done.stdout.split()) & HEAVY


def test_nothing_speaks_of_where_it_was_made():
    """No path of a machine and no address of a package index is written anywhere in the project."""
    root = SOURCE.parents[1]
    tracked = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=False)
    if tracked.returncode != 0:
        pytest.skip("not a git checkout")
    telling = re.compile(r"(?<![\w.])/(?:home|root|work|Users)/\w|--(?:extra-)?index-url|simple/?\s*$", re.MULTILINE)
    for name in tracked.stdout.splitlines():
        file = root / name
        if file.suffix in {".py", ".toml", ".txt", ".md", ".yaml", ".yml", ".cfg", ""} and file.is_file():
            found = telling.search(file.read_text(encoding="utf-8", errors="replace"))
            assert found is None or file == Path(__file__), f"{name}: {found.group(0)!r}"
