"""The decode heads of mmsegmentation, by name, without importing it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from isthmus.errors import MissingExtraError, UnknownNameError
from isthmus.registry.entry import Entry
from isthmus.registry.registry import Registry
from isthmus.registry.sources.static_scan import CHANNEL_LIST, inherited_signature, package_folder
from isthmus.signatures import Signature

PACKAGE = "mmseg"
ADAPTER = "isthmus.models.decoders.mmseg_heads:MmsegHead"

# Heads that take several features by themselves, and those that do once `input_transform` tells them to.
ALWAYS_SEVERAL = frozenset(
    {"ANNHead", "EncHead", "FPNHead", "LightHamHead", "SegformerHead", "SETRMLAHead", "UPerHead"}
)
TOLD_TO_TAKE_SEVERAL = frozenset({"DPTHead", "LRASPPHead"})

# What only mmsegmentation's own losses and its own inference use; and the channels, which the encoder decides.
_DECIDED_ELSEWHERE = frozenset({"in_channels", "loss_decode", "loss_se_decode", "sampler", "ignore_index", "threshold"})

_CASCADE = "it refines the prediction of another head"
_TWO_BRANCHES = "it is trained on several branches of its own backbone"
_MASKS = "it predicts a set of masks rather than a map, with mmdet"
NOT_DECODERS = {
    "OCRHead": _CASCADE,
    "PointHead": _CASCADE,
    "DDRHead": _TWO_BRANCHES,
    "PIDHead": _TWO_BRANCHES,
    "MaskFormerHead": _MASKS,
    "Mask2FormerHead": _MASKS,
    "KernelUpdator": "it is a part of K-Net",
    "KernelUpdateHead": "it is a part of K-Net",
    "IterativeDecodeHead": "it is made of the configurations of other heads",
    "SideAdapterCLIPHead": "it takes the image and the features of CLIP",
    "VPDDepthHead": "it predicts a depth and knows no classes",
}

_HEAD = re.compile(rb"\n@MODELS\.register_module\(\)\nclass (\w+)")


@dataclass(frozen=True)
class MmsegEntry(Entry):
    """A head of mmsegmentation, whose arguments are those of its class and its base classes."""

    def signature(self) -> Signature:
        """The channels of the features, and the arguments of the head that matter outside mmsegmentation."""
        own = inherited_signature(f"{self.preset['module']}:{self.name}") or Signature((), is_open=True)
        fixed = {"input_transform"} if self.name in ALWAYS_SEVERAL else set()
        kept = own.without(_DECIDED_ELSEWHERE | fixed)
        return Signature((CHANNEL_LIST, *kept.parameters), kept.is_open)


class MmsegHeads(Registry):
    """The decode heads of mmsegmentation; empty where it is not installed, and then it says so when asked."""

    def __init__(self) -> None:
        super().__init__("mmseg decoder", scan_heads())

    def entry(self, name: str) -> Entry:
        """What is known about a head.

        Raises:
            MissingExtraError: mmsegmentation is not installed.
            UnknownNameError: it has no such head, or one that cannot stand alone behind features.
        """
        if package_folder(PACKAGE) is None:
            raise MissingExtraError("onedl-mmsegmentation", "mmseg")
        if name in NOT_DECODERS:
            raise UnknownNameError(f"mmsegmentation's {name} cannot be a decoder: {NOT_DECODERS[name]}")
        return super().entry(name)


def scan_heads() -> Iterator[Entry]:
    """The heads that mmsegmentation registers and that turn features into a map."""
    folder = package_folder(PACKAGE)
    for file in sorted((folder / "models" / "decode_heads").glob("*_head.py")) if folder else ():
        module = f"{PACKAGE}.models.decode_heads.{file.stem}"
        for name in (match.decode() for match in _HEAD.findall(file.read_bytes())):
            if name not in NOT_DECODERS:
                facts = {"family": file.stem, "source": PACKAGE, "includes_head": True}
                yield MmsegEntry(name, ADAPTER, {"module": module, "name": name}, facts)
