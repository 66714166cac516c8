"""Keypoints by confidence maps: targets, losses, peaks, metrics and the task that joins them."""

from isthmus._lazy import lazy_exports

_EXPORTS = {
    "BalancedSquaredError": "isthmus.tasks.keypoints.losses",
    "DetectionMetrics": "isthmus.tasks.keypoints.detection",
    "KeypointTask": "isthmus.tasks.keypoints.task",
    "PoseMetrics": "isthmus.tasks.keypoints.pose",
    "confidence_maps": "isthmus.tasks.keypoints.targets",
    "find_peaks": "isthmus.predictions.peaks",
    "match_points": "isthmus.tasks.keypoints.detection",
    "offset_maps": "isthmus.tasks.keypoints.targets",
}

__all__ = sorted(_EXPORTS)

__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
