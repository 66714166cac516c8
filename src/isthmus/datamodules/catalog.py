"""The datamodules of Isthmus by name, and the source that each reads; without torch."""

from isthmus.registry.kinds import DatamoduleKind

ENTRIES: tuple[DatamoduleKind, ...] = (
    DatamoduleKind(
        "GenericNonGeoSegmentationDataModule",
        "isthmus.datamodules.segmentation:GenericNonGeoSegmentationDataModule",
        facts={"doc": "Images and masks of classes in folders, paired by name"},
        source="isthmus.datasets.labels:SegmentationSource",
        batch=("mask",),
        compares="classes",
    ),
    DatamoduleKind(
        "GenericNonGeoPixelwiseRegressionDataModule",
        "isthmus.datamodules.regression:GenericNonGeoPixelwiseRegressionDataModule",
        facts={"doc": "Images and maps of quantities in folders, paired by name, or in the same files"},
        source="isthmus.datasets.quantities:RegressionSource",
        batch=("mask",),
        compares="quantities",
    ),
    DatamoduleKind(
        "GenericNonGeoClassificationDataModule",
        "isthmus.datamodules.classification:GenericNonGeoClassificationDataModule",
        facts={"doc": "Images in a folder for each class, or in a table with their classes"},
        source="isthmus.datasets.classification_source:ClassificationSource",
        batch=("label",),
        compares="classes",
    ),
    DatamoduleKind(
        "GenericKeypointDataModule",
        "isthmus.datamodules.keypoints:GenericKeypointDataModule",
        facts={"doc": "Images with named points in a CSV, COCO, DeepLabCut or SLEAP file"},
        source="isthmus.datasets.keypoint_source:KeypointSource",
        batch=("keypoints",),
        compares="confidence",
    ),
)
