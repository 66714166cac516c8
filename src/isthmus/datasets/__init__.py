"""Datasets: files on disk as samples."""

from isthmus._lazy import lazy_exports

__all__ = ["GenericNonGeoSegmentationDataset", "KeypointDataset", "SegmentationDataset"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "GenericNonGeoSegmentationDataset": "isthmus.datasets.segmentation",
        "KeypointDataset": "isthmus.datasets.keypoints",
        "SegmentationDataset": "isthmus.datasets.segmentation",
    },
)
