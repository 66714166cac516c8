"""The backbone that does nothing."""

from isthmus.registry.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "IdentityBackbone",
        "isthmus.models.backbones.identity:IdentityBackbone",
        facts={
            "family": "identity",
            "doc": "Gives the images as they are, for decoders that work on them",
            "parameters": 0,
        },
    ),
)
