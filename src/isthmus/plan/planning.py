"""`plan`: build a composition on the `meta` device and run it there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from isthmus.composition import DEFAULT_FACTORY, DEFAULT_PURPOSE, Composition
from isthmus.config_file import load_config
from isthmus.errors import ArgumentError, CompositionError, ConfigError, Fault, UnknownTaskError
from isthmus.filling import SkipFilling
from isthmus.plan.probe import as_size, cannot_live_on_meta, input_spec, trial_size
from isthmus.plan.result import Plan
from isthmus.plan.time_axis import check_time_axis
from isthmus.plan.trace import trace
from isthmus.registry import DATAMODULE_REGISTRY, MODEL_FACTORY_REGISTRY, TASK_REGISTRY
from isthmus.registry.kinds import DatamoduleKind, TaskKind, kind_of_class


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
    composition = _read(loaded)
    model, built_on_meta = _build(composition.checked().without_weights())
    encoder = getattr(model, "encoder", model)
    check_time_axis(encoder, _data_have_time(loaded))
    size = trial_size(input_spec(encoder)) if image_size is None else as_size(image_size)
    stages, outputs, on_meta = trace(model, size, batch_size, measure=True)
    return Plan(
        stages,
        size,
        batch_size if on_meta else 1,
        necks=[dict(neck) for neck in getattr(model, "necks", [])],
        derived=composition.necks == "auto",
        on_meta=on_meta and built_on_meta,
        output=outputs,
    )


def _read(loaded: Mapping[str, Any]) -> Composition:
    """The composition that a configuration or the arguments of a factory describe."""
    if "model" not in loaded or "model_factory" in loaded:
        arguments = dict(loaded)
        factory, purpose = arguments.pop("model_factory", DEFAULT_FACTORY), arguments.pop("task", DEFAULT_PURPOSE)
        return Composition.parse(arguments, purpose, factory)
    model = loaded["model"]
    init: Mapping[str, Any] = (model.get("init_args") or {}) if isinstance(model, Mapping) else {}
    if not isinstance(init.get("model_args"), Mapping):
        raise ConfigError([Fault("model.init_args.model_args", "there is no model to plan here")])
    path = str(model.get("class_path", ""))
    kind = kind_of_class(TASK_REGISTRY, path, TaskKind)
    if kind is None:
        raise UnknownTaskError(
            f"model.class_path: {path!r} is no task whose model can be planned; these are: {', '.join(TASK_REGISTRY)}"
        )
    return Composition.of_task(kind, init)


def _data_have_time(loaded: Mapping[str, Any]) -> bool | None:
    """Whether the images of a configuration have an axis of time; None where nobody can tell."""
    node = loaded.get("data")
    path = str(node.get("class_path", "")) if isinstance(node, Mapping) else ""
    kind = kind_of_class(DATAMODULE_REGISTRY, path, DatamoduleKind)
    return None if kind is None or not isinstance(node, Mapping) else kind.has_time(node.get("init_args") or {})


def _build(composition: Composition) -> tuple[nn.Module, bool]:
    """The model, and whether it could be built without memory."""
    try:
        with torch.device("meta"), SkipFilling():
            return _made(composition), True
    except (RuntimeError, NotImplementedError, CompositionError) as error:
        if isinstance(error, ArgumentError) or not cannot_live_on_meta(error):
            raise
    return _made(composition), False


def _made(composition: Composition) -> nn.Module:
    factory = MODEL_FACTORY_REGISTRY.build(composition.factory)
    build = getattr(factory, "build", None)  # factories of others know only the arguments
    made: nn.Module = (
        build(composition) if build else factory.build_model(composition.purpose, **composition.model_args)
    )
    return made
