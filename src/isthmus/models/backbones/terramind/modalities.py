"""The kinds of input that TerraMind (arXiv 2504.11171) was made for, and the ones that a configuration chooses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from isthmus.bands import expand_bands
from isthmus.errors import ArgumentError, did_you_mean

Bands = Sequence[str | int | Sequence[int]]


class Kind(StrEnum):
    """How a modality becomes tokens."""

    IMAGE = "image"  # patches of pixels, each projected
    CODES = "codes"  # a grid of ids, as an image tokenizer gives them
    SEQUENCE = "sequence"  # a sequence of ids, as a text tokenizer gives them


@dataclass(frozen=True, slots=True)
class Modality:
    """One kind of input.

    Attributes:
        name: what it is called in configurations and in batches.
        key: what it is called in the weights.
        kind: how it becomes tokens.
        bands: the bands of the images.
        vocabulary: how many ids there are.
        tokenizer: the backbone that turns images of this modality into ids.
    """

    name: str
    key: str
    kind: Kind = Kind.IMAGE
    bands: tuple[str | int, ...] = ()
    vocabulary: int = 0
    tokenizer: str | None = None


S2L2A_BANDS = (
    "COASTAL_AEROSOL",
    "BLUE",
    "GREEN",
    "RED",
    "RED_EDGE_1",
    "RED_EDGE_2",
    "RED_EDGE_3",
    "NIR_BROAD",
    "NIR_NARROW",
    "WATER_VAPOR",
    "SWIR_1",
    "SWIR_2",
)
S2L1C_BANDS = (*S2L2A_BANDS[:10], "CIRRUS", *S2L2A_BANDS[10:])
LULC_CLASSES = tuple(range(10))

MODALITIES = (
    Modality("S2L2A", "untok_sen2l2a@224", bands=S2L2A_BANDS),
    Modality("S2L1C", "untok_sen2l1c@224", bands=S2L1C_BANDS),
    Modality("RGB", "untok_sen2rgb@224", bands=("RED", "GREEN", "BLUE")),
    Modality("S1GRD", "untok_sen1grd@224", bands=("VV", "VH")),
    Modality("S1RTC", "untok_sen1rtc@224", bands=("VV", "VH")),
    Modality("DEM", "untok_dem@224", bands=("DEM",)),
    Modality("LULC", "tok_lulc@224", Kind.CODES, LULC_CLASSES, 4375, "terramind_v1_tokenizer_lulc"),
    Modality("NDVI", "tok_ndvi@224", Kind.CODES, ("NDVI",), 15360, "terramind_v1_tokenizer_ndvi"),
    Modality("Caption", "caption", Kind.SEQUENCE, vocabulary=30000),
    Modality("Coords", "coords", Kind.SEQUENCE, vocabulary=30000),
)
OTHER_NAMES = {"s2rgb": "RGB", "sen1": "S1GRD", "captions": "Caption"}

_BY_NAME = {modality.name.lower(): modality for modality in MODALITIES}
_BY_NAME |= {modality.key: modality for modality in MODALITIES}
_BY_NAME |= {other: _BY_NAME[name.lower()] for other, name in OTHER_NAMES.items()}


@dataclass(frozen=True, slots=True)
class Input:
    """A modality that an encoder takes.

    Attributes:
        name: what the configuration and the batches call it.
        modality: which one it is.
        bands: the bands of its images, in order; empty for a sequence.
        is_new: whether the weights do not know it.
    """

    name: str
    modality: Modality
    bands: tuple[str | int, ...]
    is_new: bool = False

    @property
    def key(self) -> str:
        """What it is called in the weights."""
        return self.modality.key

    @property
    def kind(self) -> Kind:
        """How it becomes tokens."""
        return self.modality.kind


def find_modality(name: str) -> Modality:
    """The modality of a name, whatever its case, or of its key in the weights.

    Raises:
        ArgumentError: there is none.
    """
    modality = _BY_NAME.get(name.lower())
    if modality is None:
        known = ", ".join(each.name for each in MODALITIES)
        hint = did_you_mean(name, [each.name for each in MODALITIES]) or "."
        raise ArgumentError(
            f"TerraMind has no modality {name!r}{hint} It has {known}; a new one is given with the number of its "
            f"channels, as in {{{name}: 3}}"
        )
    return modality


def chosen_inputs(
    modalities: Sequence[str | Mapping[str, int]] | Mapping[str, int], bands: Bands | Mapping[str, Bands] | None = None
) -> list[Input]:
    """The inputs of an encoder, as configurations write them.

    Args:
        modalities: names of modalities, and new ones as `{name: channels}`; or new ones alone, as one mapping.
        bands: the bands of the modalities, by their names where there are several.

    Raises:
        ArgumentError: an unknown modality, the same twice, a known one with a number of channels, no modality at all,
            or bands of a modality that was not chosen or has none.
    """
    inputs: list[Input] = []
    for given in [modalities] if isinstance(modalities, Mapping) else modalities:
        if isinstance(given, str):
            modality = find_modality(given)
            inputs.append(Input(given, modality, modality.bands))
        else:
            inputs += [_new_input(name, channels) for name, channels in given.items()]
    for index, each in enumerate(inputs):
        if each.key in [other.key for other in inputs[:index]]:
            raise ArgumentError(f"modalities lists {each.modality.name} twice: {[other.name for other in inputs]}")
    if not inputs:
        raise ArgumentError("modalities is empty: at least one was expected, as in [S2L2A]")
    chosen = by_modality(bands, inputs, "bands")
    return [Input(each.name, each.modality, chosen.get(each.name, each.bands), each.is_new) for each in inputs]


def by_modality(
    bands: Bands | Mapping[str, Bands] | None, inputs: Sequence[Input], argument: str
) -> dict[str, tuple[str | int, ...]]:
    """Bands by the name of their modality, which may be left out where images of one modality alone are taken.

    Raises:
        ArgumentError: a modality that is not among the inputs or is no image; it calls the argument by its name.
    """
    images = [each.name for each in inputs if each.kind is Kind.IMAGE]
    if bands is None:
        return {}
    if not isinstance(bands, Mapping):
        if len(images) != 1:
            raise ArgumentError(
                f"{argument} is the list {list(bands)}, but there are {len(images)} modalities that are images: "
                f"{', '.join(images) or 'none'}. Give a list for each, as in {{S2L2A: [RED, GREEN, BLUE]}}"
            )
        bands = {images[0]: bands}
    for name in bands:
        if name not in images:
            raise ArgumentError(
                f"{argument} has the modality {name!r}{did_you_mean(name, images) or '.'} Bands can be chosen for "
                f"{', '.join(images) or 'none of the modalities'}"
            )
    return {name: tuple(expand_bands(each)) for name, each in bands.items()}


def _new_input(name: str, channels: int) -> Input:
    if name.lower() in _BY_NAME:
        known = _BY_NAME[name.lower()]
        raise ArgumentError(
            f"modalities gives {name} {channels} channels, but it is a modality of TerraMind with the bands "
            f"{', '.join(map(str, known.bands)) or 'none'}; list it by its name and choose bands: {{{name}: [...]}}"
        )
    if channels < 1 or not name or "." in name:
        raise ArgumentError(f"{{{name!r}: {channels}}} is no modality: a name without a point and a number of channels")
    return Input(name, Modality(name, name), tuple(range(channels)), is_new=True)
