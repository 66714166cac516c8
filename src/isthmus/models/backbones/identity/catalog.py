"""The backbone that does nothing."""

from isthmus.registry.entry import Entry
from isthmus.registry.families import BackboneFacts

ENTRIES = (
    Entry(
        "IdentityBackbone",
        "isthmus.models.backbones.identity.network:IdentityBackbone",
        facts=BackboneFacts(
            family="identity", doc="Gives the images as they are, for decoders that work on them", parameters=0
        ),
    ),
)
