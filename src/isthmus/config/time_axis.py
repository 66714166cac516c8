"""Whether data and backbone agree about time: single images or series, and of how many steps."""

from collections.abc import Iterator, Mapping
from typing import Any

from isthmus.config.composition import MODEL_ARGS, part_arguments
from isthmus.config.parts import known_signature, look_up
from isthmus.errors import ArgumentError, Fault
from isthmus.models.factories.arguments import TEMPORAL_PREFIX, take_temporal
from isthmus.registry import BACKBONE_REGISTRY

_STAGES = {"fit": "train", "validate": "val", "test": "test", "predict": "predict"}
_PACKAGES = ("", "isthmus.datamodules")
_IMAGE_SOURCES = ("timm", "segmentation_models_pytorch")


def data_have_time(config: Mapping[str, Any]) -> bool | None:
    """Whether the images of a configuration have an axis of time; None where nobody can tell."""
    node = config.get("data")
    package, _, name = str(node.get("class_path", "") if isinstance(node, Mapping) else "").rpartition(".")
    if not isinstance(node, Mapping) or package not in _PACKAGES or not name.startswith("Generic"):
        return None
    return bool((node.get("init_args") or {}).get("expand_temporal_dimension", False))


def time_faults(config: Mapping[str, Any], subcommand: str) -> Iterator[Fault]:
    """Every contradiction between the time axis of the data and that of the backbone.

    Args:
        config: with full class paths.
        subcommand: what is to be run; it decides whether a file is looked at for its number of steps.
    """
    model = config.get("model")
    init = model.get("init_args") if isinstance(model, Mapping) else None
    arguments = init.get("model_args") if isinstance(init, Mapping) else None
    if not isinstance(arguments, Mapping) or not isinstance(arguments.get("backbone"), str):
        return
    own = part_arguments(arguments, "backbone")
    key = f"{MODEL_ARGS}.backbone_" if not arguments.get("backbone_kwargs") else f"{MODEL_ARGS}.backbone_kwargs."
    try:
        temporal = take_temporal(dict(own))
    except ArgumentError as error:
        yield Fault(f"{key}{TEMPORAL_PREFIX.rstrip('_')}", str(error))
        return
    yield from _contradictions(config, subcommand, own, temporal, key)


def _contradictions(
    config: Mapping[str, Any], subcommand: str, own: Mapping[str, Any], temporal: Mapping[str, Any] | None, key: str
) -> Iterator[Fault]:
    series, frames = data_have_time(config), own.get("num_frames", 1)
    takes_series = temporal is not None or (isinstance(frames, int) and frames > 1)
    backbone = config["model"]["init_args"]["model_args"]["backbone"]
    named = key + ("num_frames" if temporal is None else "use_temporal")
    if series is False and takes_series:
        yield Fault(
            named,
            "the backbone takes time series, but the data give single images; set "
            "data.init_args.expand_temporal_dimension: true, with the bands of one time step as dataset_bands",
        )
    if series and not takes_series and _is_for_images(backbone):
        yield Fault(
            f"{key}use_temporal",
            "the data give time series (data.init_args.expand_temporal_dimension), but the backbone takes single "
            f"images; set backbone_use_temporal: true{_or_frames(backbone)}",
        )
    expected = _steps(temporal) if temporal is not None else frames
    if series and takes_series and isinstance(expected, int) and subcommand in _STAGES:
        from isthmus.datasets.time_steps import count_time_steps  # imports rasterio

        found = count_time_steps(config["data"].get("init_args") or {}, _STAGES[subcommand])
        if found not in (None, expected):
            yield Fault(named, f"the backbone takes {expected} time steps, but the files hold {found}")


def _steps(temporal: Mapping[str, Any]) -> int | None:
    """How many steps a `TemporalWrapper` takes, as far as its arguments tell."""
    if isinstance(temporal.get("subset_lengths"), list):
        return int(sum(temporal["subset_lengths"]))
    stated: int | None = temporal.get("n_timestamps")
    return 2 if stated is None and temporal.get("pooling") == "diff" else stated


def _is_for_images(backbone: str) -> bool:
    """Whether a backbone takes single images for certain, unless `num_frames` says otherwise."""
    entry, _ = look_up(BACKBONE_REGISTRY, backbone)
    return entry is not None and (entry.facts.get("source") in _IMAGE_SOURCES or _takes_frames(backbone))


def _takes_frames(backbone: str) -> bool:
    entry, _ = look_up(BACKBONE_REGISTRY, backbone)
    signature = None if entry is None else known_signature(entry)
    return signature is not None and "num_frames" in signature.names


def _or_frames(backbone: str) -> str:
    return ", or backbone_num_frames to the number of steps" if _takes_frames(backbone) else ""
