"""Encoders: one file a family, and the blocks that families share."""

from isthmus._lazy import lazy_exports

__all__ = ["BlockFeatures", "PrithviViT"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "BlockFeatures": "isthmus.models.backbones.block_networks",
        "PrithviViT": "isthmus.models.backbones.prithvi_vit",
    },
)
