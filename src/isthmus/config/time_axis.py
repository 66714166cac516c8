"""Whether data and backbone agree about time: single images or series, and of how many steps."""

from collections.abc import Iterator, Mapping
from typing import Any

from isthmus.composition import Composition
from isthmus.composition.prefixes import TEMPORAL_PREFIX, given_to
from isthmus.config.sections import MODEL_ARGS, arguments_of, datamodule_kind, model_args_of
from isthmus.errors import Fault
from isthmus.registry import BACKBONE_REGISTRY

_STAGES = {"fit": "train", "validate": "val", "test": "test", "predict": "predict"}


def time_faults(config: Mapping[str, Any], composition: Composition | None, subcommand: str) -> Iterator[Fault]:
    """Every contradiction between the time axis of the data and that of the backbone.

    Args:
        config: with full class paths.
        composition: the composition in it.
        subcommand: what is to be run; it decides whether a file is looked at for its number of steps.
    """
    kind = datamodule_kind(config)
    backbone = None if composition is None else composition.backbone
    if kind is None or composition is None or backbone is None or backbone.name not in BACKBONE_REGISTRY:
        return
    written = given_to(model_args_of(config), "backbone").written
    if any((problem.argument or "").startswith(written + TEMPORAL_PREFIX) for problem in composition.problems):
        return
    data, time, frames = arguments_of(config, "data"), composition.time, backbone.arguments.get("num_frames", 1)
    series, takes_series = kind.has_time(data), time is not None or (isinstance(frames, int) and frames > 1)
    named = f"{MODEL_ARGS}.{written}{'num_frames' if time is None else 'use_temporal'}"
    if takes_series and not series:
        yield Fault(
            named,
            "the backbone takes time series, but the data give single images; set "
            "data.init_args.expand_temporal_dimension: true, with the bands of one time step as dataset_bands",
        )
    if series and not takes_series and _is_for_images(backbone.name):
        frames_too = ", or backbone_num_frames to the number of steps" if _takes_frames(backbone.name) else ""
        yield Fault(
            f"{MODEL_ARGS}.{written}use_temporal",
            "the data give time series (data.init_args.expand_temporal_dimension), but the backbone takes single "
            f"images; set backbone_use_temporal: true{frames_too}",
        )
    expected = frames if time is None else _steps(time)
    if series and takes_series and isinstance(expected, int) and subcommand in _STAGES:
        found = kind.load_source().from_arguments(data).time_steps(_STAGES[subcommand])
        if found not in (None, expected):
            yield Fault(named, f"the backbone takes {expected} time steps, but the files hold {found}")


def _steps(temporal: Mapping[str, Any]) -> int | None:
    """How many steps a `TemporalWrapper` takes, as far as its arguments tell."""
    if isinstance(temporal.get("subset_lengths"), list):
        return int(sum(temporal["subset_lengths"]))
    stated: int | None = temporal.get("n_timestamps")
    return 2 if stated is None and temporal.get("pooling") == "diff" else stated


def _is_for_images(backbone: str) -> bool:
    """Whether a backbone takes single images for certain, unless `num_frames` says otherwise: those of others do."""
    return BACKBONE_REGISTRY.resolve(backbone)[0] != "isthmus" or _takes_frames(backbone)


def _takes_frames(backbone: str) -> bool:
    signature = BACKBONE_REGISTRY.entry(backbone).known_signature()
    return signature is not None and "num_frames" in signature.names
