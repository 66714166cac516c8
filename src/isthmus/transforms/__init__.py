"""Augmentation of images together with their labels.

The transforms are those of `torchvision.transforms.v2`, which take any number of channels and of time steps. Here is
only what they lack.
"""

from isthmus._lazy import lazy_exports

__all__ = ["KeypointTransform", "RandomD4", "SampleTransform"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "KeypointTransform": "isthmus.transforms.keypoints",
        "RandomD4": "isthmus.transforms.dihedral",
        "SampleTransform": "isthmus.transforms.sample",
    },
)
