"""Datamodules: datasets as batches."""

from isthmus._lazy import lazy_exports

__all__ = ["GenericNonGeoSegmentationDataModule"]

__getattr__, __dir__ = lazy_exports(
    __name__, {"GenericNonGeoSegmentationDataModule": "isthmus.datamodules.segmentation"}
)
