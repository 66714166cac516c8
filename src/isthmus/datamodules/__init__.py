"""Datamodules: datasets as batches."""

from isthmus._lazy import lazy_exports

_EXPORTS = {
    "GenericKeypointDataModule": "isthmus.datamodules.keypoints",
    "GenericNonGeoClassificationDataModule": "isthmus.datamodules.classification",
    "GenericNonGeoPixelwiseRegressionDataModule": "isthmus.datamodules.regression",
    "GenericNonGeoSegmentationDataModule": "isthmus.datamodules.segmentation",
}

__all__ = sorted(_EXPORTS)

__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
