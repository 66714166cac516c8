"""What TorchGeo says about the weights that it publishes: products with their bands, repositories, files."""

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Product:
    """The images that weights were made with.

    Attributes:
        sensors: where they come from.
        bands: the bands, in the order of the weights, with their wavelengths in micrometres; None for radar.
    """

    sensors: tuple[str, ...]
    bands: tuple[tuple[str, float | None], ...]

    def facts(self) -> dict[str, Any]:
        """The part of an entry's facts that this is."""
        wavelengths = [wavelength for _, wavelength in self.bands]
        optical = {} if None in wavelengths else {"wavelengths": wavelengths}
        return {"sensors": list(self.sensors), "bands": [band for band, _ in self.bands], **optical}


# The middles of the published ranges (USGS, ESA); the thermal band of Landsat 7 comes at a low and at a high gain.
_TM = (("BLUE", 0.485), ("GREEN", 0.56), ("RED", 0.66), ("NIR_BROAD", 0.83), ("SWIR_1", 1.65))
_ETM = (("BLUE", 0.485), ("GREEN", 0.56), ("RED", 0.66), ("NIR_BROAD", 0.835), ("SWIR_1", 1.65))
_OLI = (
    ("COASTAL_AEROSOL", 0.443),
    ("BLUE", 0.482),
    ("GREEN", 0.561),
    ("RED", 0.655),
    ("NIR_NARROW", 0.865),
    ("SWIR_1", 1.609),
    ("SWIR_2", 2.201),
)
_OLI_TIRS = (
    *_OLI,
    ("PANCHROMATIC", 0.59),
    ("CIRRUS", 1.373),
    ("THERMAL_INFRARED_1", 10.9),
    ("THERMAL_INFRARED_2", 12.0),
)
_S2 = {
    "COASTAL_AEROSOL": 0.443,
    "BLUE": 0.49,
    "GREEN": 0.56,
    "RED": 0.665,
    "RED_EDGE_1": 0.705,
    "RED_EDGE_2": 0.74,
    "RED_EDGE_3": 0.783,
    "NIR_BROAD": 0.842,
    "NIR_NARROW": 0.865,
    "WATER_VAPOR": 0.945,
    "CIRRUS": 1.375,
    "SWIR_1": 1.61,
    "SWIR_2": 2.19,
}
_RGB = ("RED", "GREEN", "BLUE")
_SATLAS = (*_RGB, "RED_EDGE_1", "RED_EDGE_2", "RED_EDGE_3", "NIR_BROAD", "SWIR_1", "SWIR_2")

PRODUCTS = {
    "landsat_tm_toa": Product(("Landsat 4-5",), (*_TM, ("THERMAL_INFRARED_1", 11.45), ("SWIR_2", 2.215))),
    "landsat_etm_toa": Product(
        ("Landsat 7",),
        (
            *_ETM,
            ("THERMAL_INFRARED_1", 11.45),
            ("THERMAL_INFRARED_1_HIGH_GAIN", 11.45),
            ("SWIR_2", 2.22),
            ("PANCHROMATIC", 0.71),
        ),
    ),
    "landsat_etm_sr": Product(("Landsat 7",), (*_ETM, ("SWIR_2", 2.22))),
    "landsat_oli_tirs_toa": Product(("Landsat 8-9",), _OLI_TIRS),
    "landsat_oli_sr": Product(("Landsat 8-9",), _OLI),
    "sentinel1": Product(("Sentinel-1",), (("VV", None), ("VH", None))),
    "sentinel2_all": Product(("Sentinel-2",), tuple(_S2.items())),
    "sentinel2_rgb": Product(("Sentinel-2",), tuple((band, _S2[band]) for band in _RGB)),
    "satlas_sentinel1": Product(("Sentinel-1",), (("VH", None), ("VV", None))),
    "satlas_sentinel2_ms": Product(("Sentinel-2",), tuple((band, _S2[band]) for band in _SATLAS)),
    "naip": Product(("NAIP",), tuple((band, None) for band in _RGB)),
    "fmow": Product(("fMoW",), tuple((band, None) for band in _RGB)),
}


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository of the Hub, at one commit."""

    source: str
    revision: str

    def facts(self, file: str) -> dict[str, Any]:
        """The part of an entry's facts that says where its weights are. A file carries the start of its SHA-256."""
        found = re.search(r"-([0-9a-f]{8})\.pth$", file)
        prefix = {"sha256_prefix": found[1]} if found else {}
        return {"weights": self.source, "file": file, "revision": self.revision, **prefix}


SSL4EO_L = Repository("torchgeo/ssl4eo_landsat", "1c88bb51b6e17a21dde5230738fa38b74bd74f76")
SATLAS = Repository("torchgeo/satlas", "081d6607431bf36bdb59c223777cbb267131b8f2")


def normalisation(means: list[float], stds: list[float], count: int) -> dict[str, Any]:
    """Means and standard deviations of the pretraining; one number stands for all `count` bands."""
    return {"means": means * (count // len(means)), "stds": stds * (count // len(stds))}
