"""Decoders: from features to a map of features."""

from isthmus._lazy import lazy_exports

__all__ = [
    "ASPPHead",
    "ASPPModule",
    "ASPPRegressionHead",
    "ASPPSegmentationHead",
    "FCNDecoder",
    "IdentityDecoder",
    "LinearDecoder",
    "MLPDecoder",
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
        "FCNDecoder": "isthmus.models.decoders.fcn",
        "IdentityDecoder": "isthmus.models.decoders.identity",
        "LinearDecoder": "isthmus.models.decoders.linear",
        "MLPDecoder": "isthmus.models.decoders.mlp",
        "UNetDecoder": "isthmus.models.decoders.unet",
        "UperNetDecoder": "isthmus.models.decoders.upernet",
    },
)
