"""Whether the bands of the data are those that the model takes: by name where both have names, else by number."""

import copy
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isthmus.bands import expand_bands
from isthmus.composition import Composition, Part
from isthmus.composition.prefixes import given_to
from isthmus.config.model import composition_in
from isthmus.config.sections import DATA, MODEL_ARGS, arguments_of, model_args_of
from isthmus.errors import ArgumentError, Fault
from isthmus.registry import BACKBONE_REGISTRY, FULL_MODEL_REGISTRY
from isthmus.specs import IMAGE

_log = logging.getLogger(__name__)

_BY_BAND = ("means", "stds")  # one number for each output band, in that order
_CHANNELS = ("in_chans", "in_channels")

Bands = tuple[str | int, ...]


@dataclass(frozen=True)
class Taken:
    """The bands that a model takes.

    Attributes:
        bands: by modality, in order; empty where they have no names.
        count: how many there are where they have no names; None where nobody knows.
        key: the key of a configuration that decides it.
        advice: how to tell the model another number.
    """

    bands: Mapping[str, Bands]
    count: int | None
    key: str
    advice: str = ""


def band_faults(config: Mapping[str, Any], composition: Composition | None) -> Iterator[Fault]:
    """Every contradiction between the bands of the data and those of the model.

    The same bands in another order are none where the data can be told to read them in the order of the model.
    """
    for modality, given, taken in _pairs(config, composition):
        wanted, names = taken.bands.get(modality) or (), ", ".join(map(str, given))
        if not _named(given) or not _named(wanted):
            count = len(wanted) or taken.count
            if count not in (None, len(given)):
                advice = taken.advice.format(count=len(given))
                yield Fault(taken.key, f"the model takes {count} band(s), but the data give {len(given)}{advice}")
        elif set(wanted) == set(given) and len(wanted) == len(given):
            problem = _cannot_reorder(arguments_of(config, "data"))
            if wanted != given and problem:
                listed = f"the model takes the bands {', '.join(map(str, wanted))}, but the data give {names}"
                yield Fault(f"{DATA}.output_bands", f"{listed}; they cannot be reordered, because {problem}")
        else:
            yield Fault(taken.key, _misfit(wanted, given, arguments_of(config, "data")))


def with_order_of_model(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with the bands of the data in the order of the model, and their means and deviations along.

    A line in the log says so. Where both are in the same order, or have other bands, nothing is changed.

    Args:
        config: with full class paths.
    """
    ordered = copy.deepcopy(dict(config))
    for modality, given, taken in _pairs(config, composition_in(config)):
        wanted = taken.bands.get(modality) or ()
        if wanted == given or set(wanted) != set(given) or len(wanted) != len(given):
            continue
        data = ordered["data"]["init_args"]
        if modality != IMAGE or not _named(given) or _cannot_reorder(data):
            continue
        places = [given.index(band) for band in wanted]
        data["output_bands"] = list(wanted)
        if data.get("predict_output_bands") is not None:
            data["predict_output_bands"] = list(wanted)
        for name in _BY_BAND:
            if isinstance(data.get(name), list):
                data[name] = [data[name][place] for place in places]
        if isinstance(data.get("rgb_indices"), list):
            data["rgb_indices"] = [places.index(channel) for channel in data["rgb_indices"]]
        _log.warning("the bands are read in the order of the model: %s", ", ".join(map(str, wanted)))
    return ordered


def _pairs(config: Mapping[str, Any], composition: Composition | None) -> Iterator[tuple[str, Bands, Taken]]:
    """By modality, the bands of the data and those of the model, where both are known."""
    if composition is None:
        return
    try:
        given, taken = _bands_given(arguments_of(config, "data")), _bands_taken(config, composition)
    except ArgumentError:
        return  # a fault of its own, reported where it is
    if taken is not None:
        yield from ((modality, bands, taken) for modality, bands in given.items())


def _bands_given(data: Mapping[str, Any]) -> dict[str, Bands]:
    """The bands that a datamodule gives, by modality."""
    listed = data.get("output_bands") or data.get("dataset_bands")
    by_modality = listed if isinstance(listed, Mapping) else {IMAGE: listed}
    return {str(name): tuple(expand_bands(bands)) for name, bands in by_modality.items() if isinstance(bands, list)}


def _bands_taken(config: Mapping[str, Any], composition: Composition) -> Taken | None:
    """The bands that the backbone or the model as a whole takes; None where nobody knows."""
    if composition.backbone is not None:
        written = given_to(model_args_of(config), "backbone").written
        return _taken_by(composition.backbone, BACKBONE_REGISTRY, written)
    return None if composition.model is None else _taken_by(composition.model, FULL_MODEL_REGISTRY, "")


def _taken_by(part: Part, registry: Any, written: str) -> Taken | None:
    if part.name is None or part.name not in registry:
        return None
    entry, prefix = registry.entry(part.name), f"{MODEL_ARGS}.{written}"
    signature = entry.known_signature()
    for name in ("model_bands", "bands"):
        bands = _by_modality(part.arguments.get(name))
        if bands:
            return Taken(bands, None, prefix + name)
    for name in _CHANNELS:
        if isinstance(part.arguments.get(name), int):
            return Taken({}, part.arguments[name], prefix + name)
    names = () if signature is None else signature.names
    if entry.facts.get("bands"):
        other = part.arguments.get("modalities") is not None  # whose bands the facts do not say
        key = next((name for name in ("model_bands", "bands") if name in names), "bands")
        return None if other else Taken(_by_modality([*entry.facts["bands"]]), None, prefix + key)
    for each in () if signature is None else signature.parameters:
        if each.name in _CHANNELS and each.default and each.default.isdigit():
            argument = each.name if not written else f"{written.partition('_')[0]}_{each.name}"
            return Taken({}, int(each.default), prefix + each.name, f"; set {argument}: {{count}}")
    return None


def _by_modality(bands: Any) -> dict[str, Bands]:
    """Lists of bands by modality. That of the first stands for the only image of the data too."""
    if isinstance(bands, list):
        return {IMAGE: tuple(expand_bands(bands))}
    if not isinstance(bands, Mapping):
        return {}
    found = {str(name): tuple(expand_bands(each)) for name, each in bands.items() if isinstance(each, list)}
    return {**found, IMAGE: next(iter(found.values()))} if found else {}


def _named(bands: Sequence[str | int]) -> bool:
    return bool(bands) and all(isinstance(band, str) for band in bands)


def _misfit(wanted: Bands, given: Bands, data: Mapping[str, Any]) -> str:
    said = f"the model takes the bands {', '.join(map(str, wanted))}, but the data give {', '.join(map(str, given))}"
    available = data.get("dataset_bands")
    if set(wanted) <= set(given) or (isinstance(available, list) and set(wanted) <= set(map(str, available))):
        return f"{said}; set {DATA}.output_bands: [{', '.join(map(str, wanted))}]"
    return f"{said}; read the bands of the model ({DATA}.output_bands), or set backbone_bands to those of the data"


def _cannot_reorder(data: Mapping[str, Any]) -> str:
    """Why the bands of the data cannot be put in another order; the empty string where they can."""
    if not isinstance(data.get("dataset_bands"), list):
        return "dataset_bands does not say where in a file each band is"
    for name in _BY_BAND:
        given = data.get(name)
        if isinstance(given, str) and given != "compute":
            return f"{name} is a file in the order of the data; compute it anew with these output_bands"
    return ""
