"""`plan`: build a composition on the `meta` device and run it there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from isthmus.config.composition import DEFAULT_FACTORY, TASK_OF_CLASS
from isthmus.config.loading import load_config
from isthmus.config.points import count_maps
from isthmus.config.time_axis import data_have_time
from isthmus.errors import CompositionError, ConfigError, Fault, UnknownTaskError
from isthmus.filling import SkipFilling
from isthmus.plan.probe import cannot_live_on_meta, check_image_size
from isthmus.plan.result import Plan
from isthmus.plan.time_axis import check_time_axis
from isthmus.plan.trace import trace
from isthmus.registry import MODEL_FACTORY_REGISTRY

WEIGHT_ARGUMENTS = {"pretrained": False, "ckpt_path": None, "checkpoint_path": None}


def plan(
    config: str | Path | Mapping[str, Any], *, image_size: Sequence[int] | int | None = None, batch_size: int = 1
) -> Plan:
    """Say what a composition would be and cost, before a weight is downloaded or a sample is read.

    The very composition is built on PyTorch's `meta` device and run there: no memory, no arithmetic.

    Args:
        config: the path of a configuration, a configuration, or the arguments of a factory (with `task`, if it is not
            segmentation, and `model_factory`, if it is not EncoderDecoderFactory).
        image_size: (height, width) of the images, or one number for both; the encoder's own or 224 if nothing is given.
        batch_size: how many images.

    Raises:
        ConfigError: the configuration describes no model.
        ArgumentError, UnknownNameError, CompositionError: the composition does not hold, or the images of the
            configuration have an axis of time and the encoder has none, or the other way round.
    """
    loaded = load_config(config) if isinstance(config, str | Path) else config
    factory, task, arguments = _read(loaded)
    model, built_on_meta = _build(factory, task, arguments)
    check_time_axis(model.encoder, data_have_time(loaded))  # type: ignore[arg-type]
    size = _size(image_size, model)
    stages, outputs, on_meta = trace(model, size, batch_size, measure=True)
    return Plan(
        stages,
        size,
        batch_size if on_meta else 1,
        necks=[dict(neck) for neck in getattr(model, "necks", [])],
        derived=arguments.get("necks") == "auto",
        on_meta=on_meta and built_on_meta,
        output=outputs,
    )


def _read(loaded: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    if "model" not in loaded or "model_factory" in loaded:
        arguments = dict(loaded)
        return arguments.pop("model_factory", DEFAULT_FACTORY), arguments.pop("task", "segmentation"), arguments
    model = loaded["model"]
    init: Mapping[str, Any] = (model.get("init_args") or {}) if isinstance(model, Mapping) else {}
    if not isinstance(init.get("model_args"), Mapping):
        raise ConfigError([Fault("model.init_args.model_args", "there is no model to plan here")])
    name = str(model.get("class_path", "")).rpartition(".")[2]
    if name not in TASK_OF_CLASS:
        raise UnknownTaskError(
            f"model.class_path: {name!r} is no task whose model can be planned; these are: {', '.join(TASK_OF_CLASS)}"
        )
    arguments = dict(init["model_args"])
    if TASK_OF_CLASS[name] == "keypoints" and not arguments.keys() & {"num_classes", "num_outputs"}:
        arguments["num_classes"] = count_maps(init)  # which the task tells the factory
    return init.get("model_factory") or DEFAULT_FACTORY, TASK_OF_CLASS[name], arguments


def _build(factory: str, task: str, arguments: Mapping[str, Any]) -> tuple[nn.Module, bool]:
    arguments = _without_weights(arguments)
    builder = MODEL_FACTORY_REGISTRY.build(factory)
    try:
        with torch.device("meta"), SkipFilling():
            return builder.build_model(task, **arguments), True
    except (RuntimeError, NotImplementedError, CompositionError) as error:
        if isinstance(error, UnknownTaskError) or not cannot_live_on_meta(error):
            raise
    return builder.build_model(task, **arguments), False


def _without_weights(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The same arguments, with no weights to find or read."""
    kept = dict(arguments)
    for name, nothing in WEIGHT_ARGUMENTS.items():
        if f"backbone_{name}" in kept:
            kept[f"backbone_{name}"] = nothing
    if kept.get("backbone_kwargs"):
        inner = dict(kept["backbone_kwargs"])
        kept["backbone_kwargs"] = {name: WEIGHT_ARGUMENTS.get(name, value) for name, value in inner.items()}
    return kept


def _size(image_size: Sequence[int] | int | None, model: nn.Module) -> tuple[int, int]:
    if image_size is None:
        return check_image_size(model.encoder)  # type: ignore[arg-type]
    if isinstance(image_size, int):
        return image_size, image_size
    return int(image_size[0]), int(image_size[1])
