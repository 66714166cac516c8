"""Lightning tasks: what is trained, on which loss, judged by which metrics."""

from isthmus._lazy import lazy_exports

_EXPORTS = {
    "BaseTask": "isthmus.tasks.base",
    "BoundaryMeanIoU": "isthmus.tasks.segmentation.boundary",
    "ClassificationTask": "isthmus.tasks.classification.task",
    "CombinedLoss": "isthmus.tasks.criteria",
    "ConfusionMatrix": "isthmus.tasks.confusion",
    "CrossEntropyLoss": "isthmus.tasks.losses.classes",
    "DiceLoss": "isthmus.tasks.losses.classes",
    "FocalLoss": "isthmus.tasks.losses.classes",
    "JaccardLoss": "isthmus.tasks.losses.classes",
    "KeypointTask": "isthmus.tasks.keypoints.task",
    "LossHandler": "isthmus.tasks.loss_handler",
    "LovaszLoss": "isthmus.tasks.losses.classes",
    "PixelwiseRegressionTask": "isthmus.tasks.regression.task",
    "SemanticSegmentationTask": "isthmus.tasks.segmentation.task",
    "optimizer_factory": "isthmus.tasks.optimisers",
}

__all__ = sorted(_EXPORTS)

__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
