"""The model factories of Isthmus."""

from isthmus.registry.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "EncoderDecoderFactory",
        "isthmus.models.factories.encoder_decoder:EncoderDecoderFactory",
        facts={"doc": "encoder, necks, decoder and head, each by name"},
    ),
)
