"""The sources beside Isthmus itself: timm, segmentation-models-pytorch and mmsegmentation."""

from isthmus.registry.registry import Registry


def timm_backbones() -> Registry:
    """Every model of timm, as a backbone."""
    return Registry("timm backbone")


def smp_encoders() -> Registry:
    """The encoders of segmentation-models-pytorch, as backbones."""
    return Registry("smp encoder")


def smp_decoders() -> Registry:
    """The decoders of segmentation-models-pytorch."""
    return Registry("smp decoder")


def mmseg_decoders() -> Registry:
    """The decode heads of mmsegmentation."""
    return Registry("mmseg decoder")
