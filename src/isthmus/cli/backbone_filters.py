"""The options of `isthmus list` that choose among backbones by what is known about them."""

import argparse
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from isthmus.bands import HLSBands, OpticalBands, SARBands
from isthmus.cli.sensors import BANDS, bands_of_sensor, is_any_of
from isthmus.errors import ArgumentError, did_you_mean

Facts = Mapping[str, Any]
Filter = Callable[[Facts], bool]

_SUFFIXES = {"": 1, "K": 1_000, "M": 1_000_000, "B": 1_000_000_000, "G": 1_000_000_000}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    group = parser.add_argument_group("backbones by what is known about them; the unknown never fits")
    group.add_argument(
        "--bands",
        metavar="BANDS",
        help="bands that the weights know, such as RED,NIR_NARROW; or a sensor, such as S2, for those that were "
        "pretrained on it, take no band that it lacks, or know all that it has",
    )
    group.add_argument("--sensor", metavar="NAME", help="what it was pretrained on, such as S1, Landsat, L8, NAIP")
    group.add_argument("--min-params", metavar="N", help="no fewer parameters, such as 20M")
    group.add_argument("--max-params", metavar="N", help="no more parameters, such as 100M or 1.5B")
    group.add_argument("--license", metavar="NAME", help="the licence of the weights, or how its name begins")
    group.add_argument("--family", metavar="NAME", help="such as prithvi")
    group.add_argument("--image-size", metavar="N", type=int, help="native height and width of an image")
    group.add_argument("--patch-size", metavar="N", type=int, help="height and width of a patch")


def filters(given: argparse.Namespace, known: Iterable[Facts]) -> list[Filter]:
    """What the options ask of a backbone.

    Args:
        given: the options.
        known: the facts of all backbones, against which the options are held.

    Raises:
        ArgumentError: a value that no backbone could ever have; with the nearest ones.
    """
    known = list(known)
    asked: list[Filter] = []
    if given.bands is not None:
        asked.append(_by_bands(given.bands, known))
    if given.sensor is not None:
        _check_sensor("--sensor", given.sensor, _values(known, "sensors"))
        asked.append(lambda facts: is_any_of(given.sensor, facts.get("sensors") or ()))
    for option, least in (("min_params", True), ("max_params", False)):
        if (text := getattr(given, option)) is not None:
            asked.append(_by_count(_count(f"--{option.replace('_', '-')}", text), least=least))
    if given.license is not None:
        asked.append(_by_beginning("license", given.license, _values(known, "license")))
    if given.family is not None:
        asked.append(_by_name("family", given.family, _values(known, "family")))
    for option in ("image_size", "patch_size"):
        if (size := getattr(given, option)) is not None:
            asked.append(_by_size(option, size))
    return asked


def _by_bands(text: str, known: list[Facts]) -> Filter:
    names = [name.strip().upper() for name in text.split(",") if name.strip()]
    vocabulary = {*map(str, (*HLSBands, *OpticalBands, *SARBands)), *_values(known, "bands")}
    unknown = [name for name in names if name not in vocabulary]
    if names and not unknown:
        return lambda facts: set(names) <= set(facts.get("bands") or ())
    sensors = {*_values(known, "sensors"), *BANDS}
    if len(names) == 1 and is_any_of(text, sensors):
        of_sensor = bands_of_sensor(text)
        return lambda facts: is_any_of(text, facts.get("sensors") or ()) or _within(facts.get("bands"), of_sensor)
    choices = vocabulary | sensors if len(names) == 1 else vocabulary
    hint = did_you_mean(unknown[0], choices) if unknown else ""
    raise ArgumentError(
        f"--bands: {', '.join(unknown) or repr(text)} is unknown{hint or '.'} It takes bands, such as RED,NIR_NARROW, "
        f"or one sensor: {', '.join(sorted(sensors))}"
    )


def _within(bands: list[str] | None, of_sensor: frozenset[str]) -> bool:
    """Whether images of a sensor have all these bands, or no others."""
    return bool(bands and of_sensor) and (set(bands or ()) <= of_sensor or of_sensor <= set(bands or ()))


def _check_sensor(option: str, name: str, sensors: set[str]) -> None:
    if not is_any_of(name, sensors):
        hint = did_you_mean(name, sensors) or "."
        raise ArgumentError(f"{option}: no backbone knows {name!r}{hint} There are: {', '.join(sorted(sensors))}")


def _count(option: str, text: str) -> float:
    found = re.fullmatch(r"(\d+\.?\d*)([KMBG]?)", text.strip().upper())
    if found is None:
        raise ArgumentError(f"{option}: {text!r} is no number of parameters, such as 86000000, 86M or 1.5B")
    return float(found[1]) * _SUFFIXES[found[2]]


def _by_count(limit: float, *, least: bool) -> Filter:
    def fits(facts: Facts) -> bool:
        count = facts.get("parameters")
        return count is not None and (count >= limit if least else count <= limit)

    return fits


def _by_beginning(key: str, text: str, values: set[str]) -> Filter:
    start = text.lower()
    if not any(value.lower().startswith(start) for value in values):
        raise _unknown(key, text, values)
    return lambda facts: str(facts.get(key) or "").lower().startswith(start)


def _by_name(key: str, text: str, values: set[str]) -> Filter:
    if text.lower() not in {value.lower() for value in values}:
        raise _unknown(key, text, values)
    return lambda facts: str(facts.get(key)).lower() == text.lower()


def _by_size(key: str, size: int) -> Filter:
    def fits(facts: Facts) -> bool:
        value = facts.get(key)
        return value == size or (isinstance(value, list | tuple) and set(value[-2:]) == {size})

    return fits


def _unknown(key: str, text: str, values: set[str]) -> ArgumentError:
    hint = did_you_mean(text, values) or "."
    return ArgumentError(f"--{key}: no backbone has {text!r}{hint} There are: {', '.join(sorted(values))}")


def _values(known: Iterable[Facts], key: str) -> set[str]:
    """Everything that a fact says of any backbone."""
    found: set[str] = set()
    for facts in known:
        value = facts.get(key)
        found.update(map(str, value) if isinstance(value, list | tuple) else () if value is None else (str(value),))
    return found
