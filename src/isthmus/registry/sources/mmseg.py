"""The decode heads of mmsegmentation, by name, without importing it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from isthmus.errors import MissingExtraError
from isthmus.registry.entry import Entry
from isthmus.registry.registry import Registry
from isthmus.registry.sources.static_scan import inherited_signature, package_folder
from isthmus.signatures import Signature

PACKAGE = "mmseg"
ADAPTER = "isthmus.models.decoders.mmseg_heads:MmsegHead"

_HEAD = re.compile(r"\n@MODELS\.register_module\(\)\nclass (\w+)")


@dataclass(frozen=True)
class MmsegEntry(Entry):
    """A head of mmsegmentation, whose arguments are those of its class and its base classes."""

    def signature(self) -> Signature:
        """The arguments of the head, less the channels of the features, which the encoder decides."""
        own = inherited_signature(f"{self.preset['module']}:{self.name}") or Signature((), is_open=True)
        return own.without({"in_channels"})


class MmsegHeads(Registry):
    """The decode heads of mmsegmentation; empty where it is not installed, and then it says so when asked."""

    def __init__(self) -> None:
        super().__init__("mmseg decoder", scan_heads())

    def entry(self, name: str) -> Entry:
        """What is known about a head.

        Raises:
            MissingExtraError: mmsegmentation is not installed.
        """
        if package_folder(PACKAGE) is None:
            raise MissingExtraError("onedl-mmsegmentation", "mmseg")
        return super().entry(name)


def scan_heads() -> Iterator[Entry]:
    """The heads that mmsegmentation registers."""
    folder = package_folder(PACKAGE)
    for file in sorted((folder / "models" / "decode_heads").glob("*_head.py")) if folder else ():
        module = f"{PACKAGE}.models.decode_heads.{file.stem}"
        for name in _HEAD.findall(file.read_text(encoding="utf-8")):
            facts = {"family": file.stem, "source": PACKAGE, "includes_head": True}
            yield MmsegEntry(name, ADAPTER, {"module": module, "name": name}, facts)
