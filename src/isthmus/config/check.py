"""Finding every fault of a configuration before torch is imported."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from isthmus.composition import DEFAULT_PURPOSE
from isthmus.config.annotations import fits
from isthmus.config.bands import band_faults
from isthmus.config.class_paths import ClassNode, class_nodes, qualify_class_paths
from isthmus.config.data import data_faults, task_faults
from isthmus.config.model import composition_in, model_faults
from isthmus.config.monitors import monitor_faults
from isthmus.config.sections import datamodule_kind, task_kind
from isthmus.config.time_axis import time_faults
from isthmus.errors import Fault, did_you_mean
from isthmus.registry import TASK_REGISTRY
from isthmus.registry.sources.static_scan import inherited_signature, merge
from isthmus.signatures import Signature, static_signature

SECTIONS = (
    "seed_everything",
    "trainer",
    "model",
    "data",
    "optimizer",
    "lr_scheduler",
    "ckpt_path",
    "predict_output_dir",
)

_OF_A_CLASS = ("class_path", "init_args", "dict_kwargs")
_FILLED_IN = frozenset({"params", "optimizer"})  # what an optimiser or a scheduler works on
_CHECKED = ("isthmus.", "lightning.", "torch.", "torchvision.")


def check_config(config: Mapping[str, Any], subcommand: str = "fit") -> list[Fault]:
    """Every fault of a configuration that can be known without building anything.

    Checked are the sections, the classes and their arguments (names and plain types), the parts of the model by their
    registered names with their arguments, the losses, the files, bands and labels of the data, and whether all of
    these agree about the number of classes and bands. Classes from other packages are left to those who import them.

    Args:
        config: a configuration as it was loaded; short class names are allowed.
        subcommand: fit, validate, test or predict, which decides which files must be there; with any other no file
            is looked at.
    """
    faults = list(_section_faults(config))
    qualified, unresolved = qualify_class_paths(config)
    faults += unresolved
    unresolved_keys = {fault.key.removesuffix(".class_path") for fault in unresolved}
    faults += _trainer_faults(qualified)
    declared = {"model": task_kind(qualified), "data": datamodule_kind(qualified)}
    for node in class_nodes(qualified):
        if node.key not in unresolved_keys:
            faults += _class_faults(node, declared=declared.get(node.key) is not None)
    faults += _agreement_faults(qualified, subcommand)
    if not any(fault.key.partition(".")[0] == "data" for fault in faults):
        faults += data_faults(qualified, subcommand)
    return faults


def _agreement_faults(config: dict[str, Any], subcommand: str) -> Iterator[Fault]:
    """What is wrong within the task and its model, and between them and the data."""
    composition = composition_in(config)
    told = list(task_faults(config, subcommand))
    yield from told
    keys = {fault.key for fault in told}  # the task knows better what to say
    yield from (fault for fault in model_faults(config, composition) if fault.key not in keys)
    yield from monitor_faults(config)
    yield from time_faults(config, composition, subcommand)
    yield from band_faults(config, composition)


def _section_faults(config: Mapping[str, Any]) -> Iterator[Fault]:
    for key in config:
        if key not in SECTIONS:
            expected = did_you_mean(str(key), SECTIONS) or f"; expected one of {', '.join(SECTIONS)}"
            yield Fault(str(key), f"there is no section {key!r}{expected}")
    for key, what in (("model", f"a task, such as {_usual_task()}"), ("data", "a datamodule")):
        if not isinstance(config.get(key), Mapping | str):
            found = "is missing" if config.get(key) is None else f"is {config[key]!r}"
            yield Fault(key, f"{found}; expected the class_path and init_args of {what}")
    seed = config.get("seed_everything", 0)
    if not isinstance(seed, int):
        yield Fault("seed_everything", f"expected a whole number, found {seed!r}")


def _usual_task() -> str:
    kinds = map(TASK_REGISTRY.entry, TASK_REGISTRY)
    return next((kind.name for kind in kinds if getattr(kind, "purpose", None) == DEFAULT_PURPOSE), "one of your own")


def _trainer_faults(config: Mapping[str, Any]) -> Iterator[Fault]:
    given = config.get("trainer")
    if given is None:
        return
    if not isinstance(given, Mapping):
        yield Fault("trainer", f"expected the arguments of the trainer, found {given!r}")
        return
    signature = static_signature("lightning.pytorch:Trainer")
    if signature is not None:
        yield from argument_faults(signature, given, "the trainer", "trainer")


def _class_faults(node: ClassNode, *, declared: bool) -> Iterator[Fault]:
    for key in node.node:
        if key not in _OF_A_CLASS:
            hint = f"; arguments of the class belong under {node.key}.init_args"
            yield Fault(f"{node.key}.{key}", f"expected only class_path and init_args here{hint}")
    given = node.node.get("init_args")
    if given is not None and not isinstance(given, Mapping):
        yield Fault(f"{node.key}.init_args", f"expected arguments by name, found {given!r}")
        return
    if not (declared or node.class_path.startswith(_CHECKED)) or "dict_kwargs" in node.node:
        return
    signature = class_signature(node)
    if signature is not None:
        owner = node.class_path.rpartition(".")[2]
        yield from argument_faults(signature, node.init_args, owner, f"{node.key}.init_args")


def class_signature(node: ClassNode) -> Signature | None:
    """What can be given to a class in a configuration; None where its source cannot be read."""
    own, inherited = static_signature(node.reference), inherited_signature(node.reference)
    if own is None or inherited is None:
        return None
    if node.class_path == "lightning.pytorch.cli.ReduceLROnPlateau":  # its base is named in a way that is not followed
        inherited = static_signature("torch.optim.lr_scheduler:ReduceLROnPlateau") or inherited
    # what a class passes on to its base by keyword it may also fill in, so only its own arguments can be missing
    optional = tuple(replace(parameter, required=False) for parameter in inherited.parameters)
    signature = merge(own.parameters, optional, is_open=inherited.is_open)
    return signature.without(_FILLED_IN) if node.place in ("optimizer", "lr_scheduler") else signature


def argument_faults(signature: Signature, given: Mapping[str, Any], owner: str, key: str) -> Iterator[Fault]:
    """Every argument that is unknown, missing or of another type than its annotation says."""
    for name, problem in signature.faults(given, owner):
        yield Fault(f"{key}.{name}", problem)
    for parameter in signature.parameters:
        if parameter.name in given and not fits(parameter.annotation, given[parameter.name]):
            yield Fault(
                f"{key}.{parameter.name}",
                f"{owner} takes {_readable(parameter.annotation)} here, found {given[parameter.name]!r}",
            )


def _readable(annotation: str | None) -> str:
    return (annotation or "anything").replace("Optional[", "[").replace("collections.abc.", "")
