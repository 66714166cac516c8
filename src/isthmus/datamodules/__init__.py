"""Datamodules: datasets as batches."""

from isthmus._lazy import lazy_exports

__all__ = ["GenericKeypointDataModule", "GenericNonGeoSegmentationDataModule"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "GenericKeypointDataModule": "isthmus.datamodules.keypoints",
        "GenericNonGeoSegmentationDataModule": "isthmus.datamodules.segmentation",
    },
)
