"""Whether the parts of a configuration agree with one another about the number of classes and of bands."""

from collections.abc import Iterator, Mapping
from typing import Any

from isthmus.bands import expand_bands
from isthmus.config.composition import MODEL_ARGS, TASK_OF_CLASS
from isthmus.config.full_model import bands_of_model
from isthmus.errors import ArgumentError, Fault, UnknownNameError
from isthmus.registry import BACKBONE_REGISTRY

_CHANNELS_OF_IMAGES = 3  # what timm and segmentation-models-pytorch assume where nothing is said
_IMAGE_SOURCES = ("timm", "segmentation_models_pytorch")


def agreement_faults(config: Mapping[str, Any]) -> Iterator[Fault]:
    """Every place that contradicts another."""
    task, data = _arguments(config, "model"), _arguments(config, "data")
    path = str((config.get("model") or {}).get("class_path", "")) if isinstance(config.get("model"), Mapping) else ""
    if TASK_OF_CLASS.get(path.rpartition(".")[2]) in ("segmentation", "classification"):
        yield from _class_faults(task, data)
        yield from _ignored_faults(task, data)
    arguments = task.get("model_args")
    if isinstance(arguments, Mapping) and any(isinstance(arguments.get(key), str) for key in ("backbone", "model")):
        yield from _band_faults(arguments, data)


def _class_faults(task: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[Fault]:
    arguments = task.get("model_args")
    arguments = arguments if isinstance(arguments, Mapping) else {}
    said: dict[str, Any] = {
        f"{MODEL_ARGS}.num_classes": arguments.get("num_classes"),
        "model.init_args.num_classes": task.get("num_classes"),
        "model.init_args.class_names": _length(task.get("class_names")),
        "data.init_args.num_classes": data.get("num_classes"),
        "data.init_args.class_names": _length(data.get("class_names")),
        "model.init_args.class_weights": _length(task.get("class_weights")),
        "model.init_args.class_colors": _length(task.get("class_colors")),
    }
    counts = {key: count for key, count in said.items() if isinstance(count, int)}
    if not any(key.endswith(("num_classes", "class_names")) for key in counts) and task.get("model") is None:
        yield Fault(f"{MODEL_ARGS}.num_classes", "is missing; give num_classes, or class_names in the task")
    if not counts:
        return
    reference = next(iter(counts))
    for key, count in counts.items():
        if count != counts[reference]:
            verb = "is" if key.endswith("num_classes") else "has the length"
            yield Fault(key, f"{verb} {count}, but {reference} says {counts[reference]} classes")


def _ignored_faults(task: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[Fault]:
    ignored = task.get("ignore_index")
    for name in ("ignore_index", "no_label_replace"):
        value = data.get(name)
        if value is None or value == ignored or (ignored is None and name == "no_label_replace"):
            continue
        said = "is not given" if ignored is None else f"is {ignored}"
        yield Fault(
            "model.init_args.ignore_index",
            f"{said}, but data.init_args.{name} is {value}: pixels without a label must be what the task leaves out",
        )


def _band_faults(arguments: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[Fault]:
    given = data.get("output_bands") or data.get("dataset_bands")
    try:
        count = len(expand_bands(given)) if isinstance(given, list) else None
        taken, key, how = _bands_taken(arguments)
    except (ArgumentError, UnknownNameError):
        return  # a fault of its own, reported where it is
    if count is None or taken is None or count == taken:
        return
    owner = "backbone" if "backbone" in arguments else "model"
    yield Fault(key, f"the {owner} takes {taken} band(s), but the data give {count}{how.format(count=count)}")


def _bands_taken(arguments: Mapping[str, Any]) -> tuple[int | None, str, str]:
    """How many bands the backbone or the model takes, the key that decides it, and advice."""
    if "backbone" not in arguments:
        return bands_of_model(arguments), f"{MODEL_ARGS}.in_chans", "; set in_chans: {count}"
    kwargs = arguments.get("backbone_kwargs")
    nested = kwargs if isinstance(kwargs, Mapping) and kwargs else None
    prefix = f"{MODEL_ARGS}.backbone_kwargs." if nested else f"{MODEL_ARGS}.backbone_"
    for name in ("model_bands", "bands"):
        bands = nested.get(name) if nested else arguments.get(f"backbone_{name}")
        if isinstance(bands, list):
            return len(expand_bands(bands)), prefix + name, ""
    for name in ("in_chans", "in_channels"):
        channels = nested.get(name) if nested else arguments.get(f"backbone_{name}")
        if isinstance(channels, int):
            return channels, prefix + name, ""
    facts = BACKBONE_REGISTRY.entry(arguments["backbone"]).facts
    if isinstance(facts.get("bands"), list | tuple):
        return len(facts["bands"]), prefix + "bands", "; set it to the bands of the data"
    if facts.get("source") in _IMAGE_SOURCES:
        name = "in_chans" if facts["source"] == "timm" else "in_channels"
        return _CHANNELS_OF_IMAGES, prefix + name, f"; set backbone_{name}: {{count}}"
    return None, "", ""


def _arguments(config: Mapping[str, Any], section: str) -> Mapping[str, Any]:
    node = config.get(section)
    init = node.get("init_args") if isinstance(node, Mapping) else None
    return init if isinstance(init, Mapping) else {}


def _length(items: Any) -> int | None:
    return len(items) if isinstance(items, list) else None
