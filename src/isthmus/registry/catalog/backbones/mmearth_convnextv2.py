"""The ConvNeXt V2 of MMEarth (arXiv 2405.02771). Its weights are not on the Hub."""

from isthmus.registry.entry import Entry


def _mmearth(size: str, parameters: int) -> Entry:
    name = f"mmearth_convnextv2_{size}"
    facts = {
        "family": "mmearth_convnextv2",
        "doc": f"MMEarth, ConvNeXt V2 {size}, for 12 bands of Sentinel-2; weights by ckpt_path",
        "parameters": parameters,
        "sensors": ["Sentinel-2"],
    }
    target = "isthmus.models.backbones.mmearth_convnextv2:mmearth_convnextv2"
    return Entry(name, target, {"variant": name}, facts)


ENTRIES: tuple[Entry, ...] = (
    _mmearth("atto", 3_389_920),
    _mmearth("femto", 4_851_264),
    _mmearth("pico", 8_557_312),
    _mmearth("nano", 14_987_840),
    _mmearth("tiny", 27_872_544),
    _mmearth("base", 87_700_864),
    _mmearth("large", 196_431_936),
    _mmearth("huge", 657_494_816),
)
