"""The members of the Prithvi-EO family as models of their own: the masked autoencoders that they were trained as."""

from dataclasses import replace

from isthmus.models.backbones.prithvi import catalog
from isthmus.registry.families import FamilyEntry

_WITH_DECODER = {
    "prithvi_eo_v1_100": 112_639_488,
    "prithvi_eo_v2_tiny_tl": 31_741_444,
    "prithvi_eo_v2_100_tl": 112_639_492,
    "prithvi_eo_v2_300": 330_419_712,
    "prithvi_eo_v2_300_tl": 330_419_716,
    "prithvi_eo_v2_600": 657_668_248,
    "prithvi_eo_v2_600_tl": 657_668_252,
}


def _autoencoder(encoder: FamilyEntry) -> FamilyEntry:
    facts = replace(
        encoder.facts,
        family="prithvi_mae",
        doc=f"{encoder.facts.doc}: the masked autoencoder, which reconstructs hidden patches",
        parameters=_WITH_DECODER[encoder.name],
    )
    target = "isthmus.models.backbones.prithvi.mae:PrithviAutoencoder"
    return FamilyEntry(f"{encoder.name}_mae", target, encoder.preset, facts=facts)


ENTRIES = tuple(_autoencoder(entry) for entry in catalog.ENTRIES if entry.name in _WITH_DECODER)
