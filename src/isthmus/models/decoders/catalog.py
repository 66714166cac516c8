"""The decoders of Isthmus by name; without torch."""

from isthmus.registry.entry import Entry


def _decoder(name: str, module: str, doc: str, *, includes_head: bool = False) -> Entry:
    facts = {"doc": doc, "includes_head": includes_head}
    return Entry(name, f"isthmus.models.decoders.{module}:{name}", facts=facts)


ENTRIES: tuple[Entry, ...] = (
    _decoder("UNetDecoder", "unet", "The expanding path of a U-Net over a pyramid"),
    _decoder("UperNetDecoder", "upernet", "Pyramid pooling and a feature pyramid in one"),
    _decoder("UNetBlockDecoder", "block_decoders", "The expanding path of the network unet over a pyramid"),
    _decoder("HourglassBlockDecoder", "block_decoders", "The way up of the network stacked_hourglass over a pyramid"),
    _decoder("DenseBlockDecoder", "block_decoders", "The way up of the networks fc_densenet over a pyramid"),
    _decoder("LeapBlockDecoder", "block_decoders", "The way up of the network leap_cnn over one feature"),
    _decoder("FCNDecoder", "fcn", "A stack of transposed convolutions over one feature"),
    _decoder("MLPDecoder", "mlp", "One linear layer over all features"),
    _decoder("IdentityDecoder", "identity", "One of the features as it is"),
    _decoder("ASPPHead", "aspp", "Atrous spatial pyramid pooling over one feature"),
    _decoder("LinearDecoder", "linear", "From each cell of one feature to its pixels", includes_head=True),
    _decoder("ASPPSegmentationHead", "aspp", "Atrous spatial pyramid pooling with class scores", includes_head=True),
    _decoder("ASPPRegressionHead", "aspp", "Atrous spatial pyramid pooling with quantities", includes_head=True),
)
