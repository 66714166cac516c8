"""From the class names of a configuration to full paths, without importing what they name.

A short name means the same class wherever it stands and whatever happens to be imported: it is looked up among what is
registered for its place, plug-ins included, and then in a fixed list of packages.
"""

import copy
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.errors import Fault, did_you_mean
from isthmus.registry import CALLBACK_REGISTRY, DATAMODULE_REGISTRY, TASK_REGISTRY, Source
from isthmus.signatures import exports, find_definition, parse_module

HOMES: dict[str, tuple[str, ...]] = {
    "model": ("isthmus.tasks",),
    "data": ("isthmus.datamodules",),
    "trainer.callbacks": ("lightning.pytorch.callbacks",),
    "trainer.logger": ("lightning.pytorch.loggers",),
    "optimizer": ("torch.optim",),
    "lr_scheduler": ("torch.optim.lr_scheduler",),
    "transform": ("isthmus.transforms", "torchvision.transforms.v2"),
}

REGISTRIES: dict[str, Source] = {
    "model": TASK_REGISTRY,
    "data": DATAMODULE_REGISTRY,
    "trainer.callbacks": CALLBACK_REGISTRY,
}

_PLATEAU = "lightning.pytorch.cli.ReduceLROnPlateau"  # the one that knows what it monitors
_SAME_AS = {"torch.optim.lr_scheduler.ReduceLROnPlateau": _PLATEAU}
_KNOWN_PACKAGES = frozenset({"isthmus", "lightning", "torch", "torchvision"})


@dataclass
class ClassNode:
    """A place in a configuration that names a class.

    Attributes:
        key: its dotted path.
        place: which of HOMES it belongs to.
        node: the mapping with `class_path` and `init_args`.
    """

    key: str
    place: str
    node: dict[str, Any]

    @property
    def class_path(self) -> str:
        """What the configuration says, or the empty string."""
        return str(self.node.get("class_path") or "")

    @property
    def reference(self) -> str:
        """The class as `module:name`."""
        module, _, name = self.class_path.rpartition(".")
        return f"{module}:{name}"

    @property
    def init_args(self) -> dict[str, Any]:
        """The arguments, empty where there are none."""
        given = self.node.get("init_args")
        return given if isinstance(given, dict) else {}


def qualify_class_paths(config: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """The configuration with full class paths, and every class that cannot be found.

    Callbacks and loggers that are given as a bare name become a mapping with a `class_path`.
    """
    qualified = copy.deepcopy(dict(config))
    faults = []
    for node in class_nodes(qualified):
        if not node.class_path:
            faults.append(Fault(f"{node.key}.class_path", f"no class is named{_known(node.place)}"))
            continue
        path, problem = resolve(node.class_path, node.place)
        node.node["class_path"] = path
        if problem:
            faults.append(Fault(f"{node.key}.class_path", problem))
    return qualified, faults


def class_nodes(config: dict[str, Any]) -> Iterator[ClassNode]:
    """Every place of a configuration that names a class. Bare names are turned into mappings on the way."""
    if "model_factory" in config:  # the arguments of a factory, where `model` is no class
        return
    for place in ("model", "data", "optimizer", "lr_scheduler"):
        if isinstance(config.get(place), str):
            config[place] = {"class_path": config[place]}
        if isinstance(config.get(place), dict):
            yield ClassNode(place, place, config[place])
    if isinstance(config.get("trainer"), dict):
        for name in ("callbacks", "logger"):
            for index, item in enumerate(_listed(config["trainer"], name)):
                yield ClassNode(f"trainer.{name}.{index}", f"trainer.{name}", item)
    data = config.get("data")
    init = data.get("init_args") if isinstance(data, dict) else None
    init = init if isinstance(init, dict) else {}
    for name in [name for name in init if str(name).endswith("_transform")]:
        for index, item in enumerate(_listed(init, name)):
            yield ClassNode(f"data.init_args.{name}.{index}", "transform", item)


def _listed(section: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Callbacks, loggers or transforms as a list of mappings; what is neither stays as it is."""
    items = section.get(name)
    if isinstance(items, dict | str):
        items = [items]
    if not isinstance(items, list):
        return []
    section[name] = [{"class_path": item} if isinstance(item, str) else item for item in items]
    return [item for item in section[name] if isinstance(item, dict)]


def resolve(class_path: str, place: str) -> tuple[str, str]:
    """The full path of a class and what is wrong with it, the empty string where nothing is."""
    if "." not in class_path:
        path = _registered(class_path, place) or _exported(class_path, place)
        if path:
            return _SAME_AS.get(path, path), ""
        hint = did_you_mean(class_path, _names(place)) or f" in {' or '.join(HOMES[place])}"
        return class_path, f"there is no class {class_path!r}{hint}"
    path = _SAME_AS.get(class_path, class_path)
    return path, _problem(path, place)


def _problem(path: str, place: str) -> str:
    module, _, name = path.rpartition(".")
    top = module.partition(".")[0]
    if top in _KNOWN_PACKAGES and path != _PLATEAU:
        if find_definition(module, name) is not None or name in exports(module):
            return ""
        if parse_module(module) is None:
            return f"there is no module {module!r}{_moved(name, place)}"
        return f"{module} has no class {name!r}{_moved(name, place) or did_you_mean(name, exports(module))}"
    if not _is_installed(top):
        return f"there is no package {top!r} to import {path!r} from{_moved(name, place)}"
    return ""


def _registered(name: str, place: str) -> str:
    """The path of a class that is registered under a name, the public one of those of Isthmus."""
    registry = REGISTRIES.get(place)
    target = registry.entry(name).target if registry is not None and name in registry else ""
    path = target.replace(":", ".") if isinstance(target, str) else f"{target.__module__}.{target.__qualname__}"
    public = _exported(name, place)
    return public if public.partition(".")[0] == path.partition(".")[0] else path


def _exported(name: str, place: str) -> str:
    """The path of a class in one of the packages of a place; the empty string where it is in none."""
    return next((f"{home}.{name}" for home in HOMES[place] if name in exports(home)), "")


def _names(place: str) -> list[str]:
    exported = [name for home in HOMES[place] for name in exports(home)]
    return list(dict.fromkeys([*REGISTRIES.get(place, ()), *exported]))


def _moved(name: str, place: str) -> str:
    """A proposal where the class is at home elsewhere."""
    found = _exported(name, place)
    return f"; did you mean {found!r}?" if found else ""


def _known(place: str) -> str:
    names = _names(place)
    return f"; expected class_path, such as {names[0]}" if names else ""


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False
