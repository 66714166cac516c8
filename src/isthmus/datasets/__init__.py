"""Datasets: files on disk as samples."""

from isthmus._lazy import lazy_exports

_EXPORTS = {
    "GenericNonGeoPixelwiseRegressionDataset": "isthmus.datasets.regression",
    "GenericNonGeoSegmentationDataset": "isthmus.datasets.segmentation",
    "KeypointDataset": "isthmus.datasets.keypoints",
    "PixelwiseRegressionDataset": "isthmus.datasets.regression",
    "SegmentationDataset": "isthmus.datasets.segmentation",
}

__all__ = sorted(_EXPORTS)

__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
