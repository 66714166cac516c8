"""The vocabulary of spectral and radar bands, and lists of bands as configurations write them.

A band is a name, or an integer where it has none. The names are strings, so that `"RED"`, `HLSBands.RED` and
`OpticalBands.RED` are one and the same band; any other string names a band that the vocabulary does not know, which is
allowed everywhere.
"""

from collections.abc import Sequence
from enum import StrEnum

from isthmus.errors import ArgumentError


class HLSBands(StrEnum):
    """Harmonized Landsat and Sentinel-2 (NASA LP DAAC), the union of the L30 and S30 products."""

    COASTAL_AEROSOL = "COASTAL_AEROSOL"
    BLUE = "BLUE"
    GREEN = "GREEN"
    RED = "RED"
    RED_EDGE_1 = "RED_EDGE_1"
    RED_EDGE_2 = "RED_EDGE_2"
    RED_EDGE_3 = "RED_EDGE_3"
    NIR_BROAD = "NIR_BROAD"
    NIR_NARROW = "NIR_NARROW"
    SWIR_1 = "SWIR_1"
    SWIR_2 = "SWIR_2"
    WATER_VAPOR = "WATER_VAPOR"
    CIRRUS = "CIRRUS"
    THERMAL_INFRARED_1 = "THERMAL_INFRARED_1"
    THERMAL_INFRARED_2 = "THERMAL_INFRARED_2"


class OpticalBands(StrEnum):
    """Bands of optical sensors in general."""

    COASTAL_AEROSOL = "COASTAL_AEROSOL"
    BLUE = "BLUE"
    GREEN = "GREEN"
    YELLOW = "YELLOW"
    RED = "RED"
    RED_EDGE_1 = "RED_EDGE_1"
    RED_EDGE_2 = "RED_EDGE_2"
    RED_EDGE_3 = "RED_EDGE_3"
    NIR_BROAD = "NIR_BROAD"
    NIR_NARROW = "NIR_NARROW"
    SWIR_1 = "SWIR_1"
    SWIR_2 = "SWIR_2"
    SWIR_3 = "SWIR_3"
    WATER_VAPOR = "WATER_VAPOR"
    CIRRUS = "CIRRUS"
    PANCHROMATIC = "PANCHROMATIC"
    THERMAL_INFRARED_1 = "THERMAL_INFRARED_1"
    THERMAL_INFRARED_2 = "THERMAL_INFRARED_2"


class SARBands(StrEnum):
    """Polarisations of synthetic aperture radar; `ASC_` and `DSC_` are those of the ascending and descending orbits."""

    VV = "VV"
    VH = "VH"
    HH = "HH"
    HV = "HV"
    ASC_VV = "ASC_VV"
    ASC_VH = "ASC_VH"
    DSC_VV = "DSC_VV"
    DSC_VH = "DSC_VH"
    VV_VH = "VV_VH"


WAVELENGTHS: dict[str, float] = {
    "COASTAL_AEROSOL": 0.44,
    "BLUE": 0.49,
    "GREEN": 0.56,
    "PANCHROMATIC": 0.59,
    "YELLOW": 0.605,
    "RED": 0.665,
    "RED_EDGE_1": 0.705,
    "RED_EDGE_2": 0.74,
    "RED_EDGE_3": 0.783,
    "NIR_BROAD": 0.832,
    "NIR_NARROW": 0.864,
    "WATER_VAPOR": 0.945,
    "CIRRUS": 1.375,
    "SWIR_1": 1.61,
    "SWIR_2": 2.2,
    "THERMAL_INFRARED_1": 10.9,
    "THERMAL_INFRARED_2": 12.0,
    **{band.value: 5.405 for band in SARBands},
}
"""The central wavelength of a band in micrometres, for models that take it as an input.

Those of Sentinel-2 where it has the band, otherwise of Landsat 8, and of WorldView-2 for yellow. Radar bands have no
place on this axis; models that were trained on both (DOFA, arXiv 2403.15356) give them the number of the carrier
frequency of Sentinel-1 in GHz. SWIR_3 differs too much among sensors to have a number.
"""


def expand_bands(bands: Sequence[str | int | Sequence[int]]) -> list[str | int]:
    """Turn a list of names, integers and intervals into a flat list of bands.

    Args:
        bands: names, integers, and pairs of integers that stand for every integer from the first to the last, both
            included.

    Returns:
        One item per band, names as plain strings.

    Raises:
        ArgumentError: `bands` is one string instead of a list, or an item is none of the three.

    >>> expand_bands(["RED", 3, [5, 8]])
    ['RED', 3, 5, 6, 7, 8]
    """
    if isinstance(bands, str):
        raise ArgumentError(f"bands is the string {str(bands)!r}; a list was expected, as in [{bands!s}]")
    flat: list[str | int] = []
    for band in bands:
        if isinstance(band, str):
            flat.append(str(band))
        elif isinstance(band, int) and not isinstance(band, bool):
            flat.append(band)
        else:
            flat.extend(_interval(band))
    return flat


def _interval(pair: object) -> range:
    match pair:
        case [int(first), int(last)] if first <= last:
            return range(first, last + 1)
        case _:
            raise ArgumentError(
                f"{pair!r} is not a band: a name, an integer, or an interval [first, last] of integers was expected"
            )
