"""Heads: from features to predictions."""

from isthmus._lazy import lazy_exports

__all__ = ["ClassificationHead", "RegressionHead", "ScalarHead", "SegmentationHead"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "ClassificationHead": "isthmus.models.heads.scalar",
        "RegressionHead": "isthmus.models.heads.regression",
        "ScalarHead": "isthmus.models.heads.scalar",
        "SegmentationHead": "isthmus.models.heads.segmentation",
    },
)
