"""Encoders: one folder a family, with its catalog beside it."""

from isthmus._lazy import lazy_exports

__all__ = ["BlockFeatures", "PrithviViT"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "BlockFeatures": "isthmus.models.backbones.block_networks.network",
        "PrithviViT": "isthmus.models.backbones.prithvi.vit",
    },
)
