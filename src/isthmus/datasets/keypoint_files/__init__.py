"""Files of keypoints in their several formats, read without torch into one form."""

from isthmus._lazy import lazy_exports

__all__ = ["AnnotatedImage", "KeypointAnnotations", "read_annotations"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "AnnotatedImage": "isthmus.datasets.keypoint_files.annotations",
        "KeypointAnnotations": "isthmus.datasets.keypoint_files.annotations",
        "read_annotations": "isthmus.datasets.keypoint_files.formats",
    },
)
