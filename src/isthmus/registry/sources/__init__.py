"""The sources beside Isthmus itself: timm, segmentation-models-pytorch, mmsegmentation and Lightning.

Each is a registry whose names are read from the source files of the installed package when the first name is needed.
The packages themselves are imported when something is built.
"""

from isthmus.registry.registry import Registry
from isthmus.registry.sources.lightning import scan_callbacks
from isthmus.registry.sources.mmseg import MmsegHeads
from isthmus.registry.sources.smp import scan_decoders, scan_encoders
from isthmus.registry.sources.timm import TimmModels

__all__ = ["lightning_callbacks", "mmseg_decoders", "smp_decoders", "smp_encoders", "timm_backbones"]


def timm_backbones() -> Registry:
    """Every model of timm, as a backbone."""
    return TimmModels()


def smp_encoders() -> Registry:
    """The encoders of segmentation-models-pytorch, as backbones."""
    return Registry("smp encoder", scan_encoders())


def smp_decoders() -> Registry:
    """The decoders of segmentation-models-pytorch."""
    return Registry("smp decoder", scan_decoders())


def lightning_callbacks() -> Registry:
    """The callbacks of Lightning."""
    return Registry("callback of Lightning", scan_callbacks())


def mmseg_decoders() -> Registry:
    """The decode heads of mmsegmentation."""
    return MmsegHeads()
