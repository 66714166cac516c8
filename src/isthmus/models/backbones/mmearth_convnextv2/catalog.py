"""The ConvNeXt V2 of MMEarth (arXiv 2405.02771): its members, with their sizes. Its weights are not on the Hub."""

from dataclasses import dataclass

from isthmus.registry.families import BackboneFacts, FamilyEntry

BANDS = 12


@dataclass(frozen=True, slots=True)
class ConvNeXtV2Sizes:
    """The number of blocks of each stage and the channels of the first; they double from stage to stage."""

    depths: tuple[int, int, int, int]
    channels: int


VARIANTS = {
    "mmearth_convnextv2_atto": ConvNeXtV2Sizes((2, 2, 6, 2), 40),
    "mmearth_convnextv2_femto": ConvNeXtV2Sizes((2, 2, 6, 2), 48),
    "mmearth_convnextv2_pico": ConvNeXtV2Sizes((2, 2, 6, 2), 64),
    "mmearth_convnextv2_nano": ConvNeXtV2Sizes((2, 2, 8, 2), 80),
    "mmearth_convnextv2_tiny": ConvNeXtV2Sizes((3, 3, 9, 3), 96),
    "mmearth_convnextv2_base": ConvNeXtV2Sizes((3, 3, 27, 3), 128),
    "mmearth_convnextv2_large": ConvNeXtV2Sizes((3, 3, 27, 3), 192),
    "mmearth_convnextv2_huge": ConvNeXtV2Sizes((3, 3, 27, 3), 352),
}


def _mmearth(size: str, parameters: int) -> FamilyEntry:
    name = f"mmearth_convnextv2_{size}"
    facts = BackboneFacts(
        family="mmearth_convnextv2",
        doc=f"MMEarth, ConvNeXt V2 {size}, for {BANDS} bands of Sentinel-2; weights by ckpt_path",
        parameters=parameters,
        sensors=("Sentinel-2",),
    )
    target = "isthmus.models.backbones.mmearth_convnextv2.family:MMEarthConvNeXt"
    return FamilyEntry(name, target, {"variant": name}, facts=facts)


ENTRIES = (
    _mmearth("atto", 3_389_920),
    _mmearth("femto", 4_851_264),
    _mmearth("pico", 8_557_312),
    _mmearth("nano", 14_987_840),
    _mmearth("tiny", 27_872_544),
    _mmearth("base", 87_700_864),
    _mmearth("large", 196_431_936),
    _mmearth("huge", 657_494_816),
)
