"""Decoders: from features to a map of features."""

from isthmus._lazy import lazy_exports

__all__ = [
    "ASPPHead",
    "ASPPModule",
    "ASPPRegressionHead",
    "ASPPSegmentationHead",
    "DenseBlockDecoder",
    "FCNDecoder",
    "HourglassBlockDecoder",
    "IdentityDecoder",
    "LeapBlockDecoder",
    "LinearDecoder",
    "MLPDecoder",
    "UNetBlockDecoder",
    "UNetDecoder",
    "UperNetDecoder",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "ASPPHead": "isthmus.models.decoders.aspp",
        "ASPPModule": "isthmus.models.decoders.aspp",
        "ASPPRegressionHead": "isthmus.models.decoders.aspp",
        "ASPPSegmentationHead": "isthmus.models.decoders.aspp",
        "DenseBlockDecoder": "isthmus.models.decoders.block_decoders",
        "FCNDecoder": "isthmus.models.decoders.fcn",
        "HourglassBlockDecoder": "isthmus.models.decoders.block_decoders",
        "IdentityDecoder": "isthmus.models.decoders.identity",
        "LeapBlockDecoder": "isthmus.models.decoders.block_decoders",
        "LinearDecoder": "isthmus.models.decoders.linear",
        "MLPDecoder": "isthmus.models.decoders.mlp",
        "UNetBlockDecoder": "isthmus.models.decoders.block_decoders",
        "UNetDecoder": "isthmus.models.decoders.unet",
        "UperNetDecoder": "isthmus.models.decoders.upernet",
    },
)
