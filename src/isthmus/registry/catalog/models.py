"""The models of Isthmus that are registered as a whole, beside the networks of blocks."""

from collections.abc import Iterator

from isthmus.registry.catalog.backbones import prithvi
from isthmus.registry.entry import Entry

_WITH_DECODER = {
    "prithvi_eo_v1_100": 112_639_488,
    "prithvi_eo_v2_tiny_tl": 31_741_444,
    "prithvi_eo_v2_100_tl": 112_639_492,
    "prithvi_eo_v2_300": 330_419_712,
    "prithvi_eo_v2_300_tl": 330_419_716,
    "prithvi_eo_v2_600": 657_668_248,
    "prithvi_eo_v2_600_tl": 657_668_252,
}


def models() -> Iterator[Entry]:
    """The models."""
    encoders = {entry.name: entry for entry in prithvi.ENTRIES}
    for name, parameters in _WITH_DECODER.items():
        facts = dict(encoders[name].facts)
        facts |= {
            "family": "prithvi_mae",
            "doc": f"{facts['doc']}: the masked autoencoder, which reconstructs hidden patches",
            "parameters": parameters,
        }
        yield Entry(f"{name}_mae", "isthmus.models.backbones.prithvi_mae:prithvi_mae", {"variant": name}, facts)
