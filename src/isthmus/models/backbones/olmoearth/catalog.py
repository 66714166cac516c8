"""The OlmoEarth family (arXiv 2511.13655): its members, with their sizes."""

from isthmus.models.layers.vit_sizes import VitSizes
from isthmus.registry.families import BackboneFacts, FamilyEntry

LARGEST_PATCH = 8
VARIANTS = {
    "olmoearth_v1_nano": VitSizes(128, 4, 8, LARGEST_PATCH),
    "olmoearth_v1_tiny": VitSizes(192, 12, 3, LARGEST_PATCH),
    "olmoearth_v1_base": VitSizes(768, 12, 12, LARGEST_PATCH),
    "olmoearth_v1_large": VitSizes(1024, 24, 16, LARGEST_PATCH),
}

# Name and wavelength of every band; mean and standard deviation in the pretraining, in units of 0.0001.
_BANDS = (
    ("BLUE", 0.49, 1188.941, 1859.192),
    ("GREEN", 0.56, 1407.774, 1727.739),
    ("RED", 0.665, 1513.057, 1740.776),
    ("NIR_BROAD", 0.842, 2755.481, 1612.257),
    ("RED_EDGE_1", 0.705, 1890.989, 1754.732),
    ("RED_EDGE_2", 0.74, 2483.781, 1622.117),
    ("RED_EDGE_3", 0.783, 2722.728, 1621.823),
    ("NIR_NARROW", 0.865, 2885.57, 1611.359),
    ("SWIR_1", 1.61, 2562.853, 1441.547),
    ("SWIR_2", 2.19, 1914.138, 1328.891),
    ("COASTAL_AEROSOL", 0.443, 1115.849, 1955.699),
    ("WATER_VAPOR", 0.945, 3269.813, 2651.088),
)
BANDS = tuple(band for band, *_ in _BANDS)
BAND_SETS = BANDS[:4], BANDS[4:10], BANDS[10:]  # of 10 m, of 20 m and of 60 m


def _olmoearth(size: str, parameters: int) -> FamilyEntry:
    """An encoder of OlmoEarth v1, whose inputs go from 0 to 1 where the pretraining is within two deviations."""
    name = f"olmoearth_v1_{size}"
    facts = BackboneFacts(
        family="olmoearth",
        doc=f"OlmoEarth v1, {size}, time series of Sentinel-2 with their dates",
        parameters=parameters,
        bands=BANDS,
        wavelengths=tuple(wavelength for _, wavelength, *_ in _BANDS),
        means=tuple(round(mean - 2 * std, 3) for *_, mean, std in _BANDS),
        stds=tuple(round(4 * std, 3) for *_, std in _BANDS),
        sensors=("Sentinel-2",),
        patch_size=VARIANTS[name].patch_size,
        license="olmoearth-artifact",
        weights=f"allenai/OlmoEarth-v1-{size.title()}",
        file="weights.pth",
        extra="olmoearth",
    )
    return FamilyEntry(name, "isthmus.models.backbones.olmoearth.family:OlmoEarth", {"variant": name}, facts=facts)


ENTRIES = (
    _olmoearth("nano", 892_512),
    _olmoearth("tiny", 5_487_504),
    _olmoearth("base", 85_651_008),
    _olmoearth("large", 303_104_768),
)
