"""Sensors as people call them, and the bands that their images have."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from isthmus.bands import HLSBands

_SENTINEL_2 = frozenset(HLSBands) - {"THERMAL_INFRARED_1", "THERMAL_INFRARED_2"}
_VISIBLE = frozenset({"BLUE", "GREEN", "RED"})
_LANDSAT_7 = _VISIBLE | {"NIR_BROAD", "NIR_NARROW", "SWIR_1", "SWIR_2", "THERMAL_INFRARED_1"}
_LANDSAT_8 = _LANDSAT_7 | {"COASTAL_AEROSOL", "PANCHROMATIC", "CIRRUS", "THERMAL_INFRARED_2"}

BANDS: dict[str, frozenset[str]] = {
    "Sentinel-1": frozenset({"VV", "VH", "HH", "HV", "VV_VH", "ASC_VV", "ASC_VH", "DSC_VV", "DSC_VH"}),
    "Sentinel-2": _SENTINEL_2,
    "Landsat 4-5": _LANDSAT_7,
    "Landsat 7": _LANDSAT_7 | {"PANCHROMATIC"},
    "Landsat 8-9": _LANDSAT_8,
    "HLS": frozenset(HLSBands) - {"NIR_BROAD"},
    "NAIP": _VISIBLE | {"NIR_BROAD"},
}

_SHORT = {"s": "sentinel", "l": "landsat", "lc": "landsat", "ls": "landsat"}


@dataclass(frozen=True, slots=True)
class Sensor:
    """A platform and which of its numbers are meant; none for any of them."""

    platform: str
    numbers: frozenset[int] = frozenset()

    @classmethod
    def parse(cls, name: str) -> "Sensor":
        """Understand a name, such as `S2`, `sentinel-2`, `Landsat 8-9`, `S2L2A` or `NAIP`."""
        found = re.match(r"([a-z]+)[ _-]*(\d+)?(?:-(\d+))?", name.strip().lower())
        if found is None:
            return cls(name.lower())
        platform, first, last = found[1], found[2], found[3] or found[2]
        numbers = range(int(first), int(last) + 1) if first else ()
        return cls(_SHORT.get(platform, platform) if first else platform, frozenset(numbers))

    def matches(self, other: "Sensor") -> bool:
        """Whether the two mean the same, or one of them a part of the other."""
        same = self.platform == other.platform
        return same and (not self.numbers or not other.numbers or bool(self.numbers & other.numbers))


def is_any_of(name: str, sensors: Iterable[str]) -> bool:
    """Whether a sensor is among others, however they are written."""
    wanted = Sensor.parse(name)
    return any(wanted.matches(Sensor.parse(other)) for other in sensors)


def bands_of_sensor(name: str) -> frozenset[str]:
    """The bands of the images of a sensor, of all that the name may mean; none where they are not known."""
    wanted = Sensor.parse(name)
    return frozenset().union(*(bands for other, bands in BANDS.items() if wanted.matches(Sensor.parse(other))))


def short_sensor(name: str) -> str:
    """A sensor in a few letters.

    >>> short_sensor("Sentinel-2"), short_sensor("Landsat 8-9"), short_sensor("NAIP")
    ('S2', 'L8-9', 'NAIP')
    """
    return re.sub(r"^Sentinel-(?=\d)", "S", re.sub(r"^Landsat (?=\d)", "L", name))
