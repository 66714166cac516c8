"""The model factories of Isthmus by name; without torch."""

from isthmus.registry.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "EncoderDecoderFactory",
        "isthmus.models.factories.encoder_decoder:EncoderDecoderFactory",
        facts={"doc": "encoder, necks, decoder and head, each by name"},
    ),
    Entry(
        "FullModelFactory",
        "isthmus.models.factories.full_model:FullModelFactory",
        facts={"doc": "a model that is registered as a whole"},
    ),
)
