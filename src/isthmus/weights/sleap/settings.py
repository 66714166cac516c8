"""What the `training_config.json` of a trained SLEAP model says about the network, its inputs and its outputs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.errors import WeightsError, did_you_mean
from isthmus.weights.json_table import read_json_table
from isthmus.weights.sleap.outputs import CONFIDENCE_MAPS, Outputs, read_outputs
from isthmus.weights.sleap.skeleton import Skeleton, read_skeleton

EVERY = {"max_stride": int, "output_stride": int, "filters": int, "stacks": int}
BACKBONES: dict[str, dict[str, Any]] = {
    "unet": EVERY
    | {"stem_stride": int | None, "filters_rate": int | float, "middle_block": bool, "up_interpolate": bool},
    "leap": EVERY | {"filters_rate": int | float, "up_interpolate": bool},
    "hourglass": EVERY | {"stem_stride": int, "stem_filters": int, "filter_increase": int},
}
"""The backbones that can be built, and the settings of each with their types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SleapSettings:
    """What a trained SLEAP model says of itself.

    Attributes:
        architecture: "unet", "leap" or "hourglass".
        backbone: its settings in terms of strides, as `from_config` of the network takes them.
        kind: what it was trained for, as "single_instance" or "multi_instance".
        outputs: its heads, and the points, edges and classes that their channels stand for.
        skeleton: the points of the animal and which of them are joined.
        anchor: the point on which crops of animals are centred; None for the middle of all of them.
        input_scaling: by how much images are scaled before the network gets them.
        pad_to_stride: what their size was brought to a multiple of; None where nothing is said.
        crop_size: the height and width of crops; None where the network works on whole images.
    """

    architecture: str
    backbone: Mapping[str, Any]
    kind: str
    outputs: Outputs
    skeleton: Skeleton
    anchor: str | None = None
    input_scaling: float = 1.0
    pad_to_stride: int | None = None
    crop_size: int | None = None


def read_settings(path: Path) -> SleapSettings:
    """Read a training configuration.

    Raises:
        WeightsError: the file is not there, no JSON, written by another version, or describes a network that cannot
            be built.
    """
    held = read_json_table(path, "the training configuration of a SLEAP model")
    model = held.get("model")
    if not isinstance(model, dict) or not {"backbone", "heads"} <= model.keys() or "data" not in held:
        raise WeightsError(
            f"{path} is no training configuration of SLEAP 1: data and model (with backbone and heads) were expected, "
            f"but it holds {', '.join(held) or 'nothing'}"
        )
    architecture = _chosen(model["backbone"], BACKBONES, f"{path}: model.backbone")
    _check_backbone(model["backbone"][architecture], BACKBONES[architecture], f"{path}: model.backbone.{architecture}")
    kind = _chosen(model["heads"], CONFIDENCE_MAPS, f"{path}: model.heads")
    try:
        return _settings(held, architecture, kind)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(
            f"{path} is damaged or written by another version of SLEAP: {type(error).__name__}: {error}"
        ) from error


def _chosen(held: Any, known: Iterable[str], where: str) -> str:
    given = [str(name) for name, value in held.items() if value is not None] if isinstance(held, dict) else []
    if len(given) != 1 or given[0] not in known:
        raise WeightsError(f"{where} is {' and '.join(given) or 'not set'}; one of {', '.join(known)} was expected")
    return given[0]


def _check_backbone(held: Any, known: Mapping[str, Any], where: str) -> None:
    if not isinstance(held, dict):
        raise WeightsError(f"{where} is {held!r}; a table of settings was expected")
    for setting, value in held.items():
        if setting not in known:
            raise WeightsError(f"{where} has an unknown setting {setting!r}{did_you_mean(setting, known)}")
        if not isinstance(value, known[setting]):
            kind = getattr(known[setting], "__name__", known[setting])
            raise WeightsError(f"{where}.{setting} is {value!r}; {kind} was expected")


def _settings(held: Mapping[str, Any], architecture: str, kind: str) -> SleapSettings:
    data, model = held["data"], held["model"]
    graphs = data["labels"]["skeletons"]
    skeleton = read_skeleton(graphs[0]) if graphs else Skeleton()
    head = model["heads"][kind]
    outputs = read_outputs(kind, head, skeleton)
    preprocessing, cropping = data["preprocessing"], data["instance_cropping"]
    return SleapSettings(
        architecture=architecture,
        # a network ends at the stride of its first head, whatever else was written down
        backbone={**model["backbone"][architecture], "output_stride": outputs.heads[0].output_stride},
        kind=kind,
        outputs=outputs,
        skeleton=skeleton,
        anchor=head.get("confmaps", head).get("anchor_part") or cropping["center_on_part"],
        input_scaling=float(preprocessing["input_scaling"]),
        pad_to_stride=preprocessing["pad_to_stride"],
        crop_size=cropping["crop_size"],
    )
