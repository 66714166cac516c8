"""What is known about a backbone, typed, and the entry of one that a family builds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from isthmus.registry.entry import Entry

Size = int | tuple[int, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class BackboneFacts(Mapping[str, Any]):
    """What a catalog says of a backbone. What is not known for certain is left out.

    As a mapping it holds what is known alone, as plain data: so it is listed and printed.

    Attributes:
        family: what it is one of.
        doc: what it is, in a line.
        parameters: how many numbers it learns as it is built by default.
        bands: what its weights were made for, in order.
        wavelengths: of the bands, in micrometres.
        sensors: where the images of its pretraining came from.
        modalities: the kinds of input that a multimodal one knows.
        patch_size: of a patch in pixels.
        image_size: height and width of the images of its pretraining.
        frames: how many images a time series of its pretraining had.
        means: of the bands in the pretraining.
        stds: their standard deviations, likewise.
        modality_means: means by modality.
        modality_stds: standard deviations by modality.
        license: of the weights, as SPDX or the Hub calls it.
        weights: the repository of the Hub that holds the weights.
        file: the name of their file in it.
        revision: the commit; the newest where nothing is said.
        sha256: of the file.
        sha256_prefix: the digits that it begins with.
        extra: the extra of Isthmus that must be installed.
    """

    family: str
    doc: str
    parameters: int
    bands: Sequence[str] | None = None
    wavelengths: Sequence[float] | None = None
    sensors: Sequence[str] | None = None
    modalities: Sequence[str] | None = None
    patch_size: Size | None = None
    image_size: Size | None = None
    frames: int | None = None
    means: Sequence[float] | None = None
    stds: Sequence[float] | None = None
    modality_means: Mapping[str, Sequence[float]] | None = None
    modality_stds: Mapping[str, Sequence[float]] | None = None
    license: str | None = None
    weights: str | None = None
    file: str | None = None
    revision: str | None = None
    sha256: str | None = None
    sha256_prefix: str | None = None
    extra: str | None = None

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(name)
        value = getattr(self, name)
        return list(value) if isinstance(value, tuple) else value

    def __contains__(self, name: object) -> bool:
        return name in _NAMES and getattr(self, str(name)) is not None

    def __iter__(self) -> Iterator[str]:
        return (name for name in _NAMES if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


_NAMES = tuple(each.name for each in fields(BackboneFacts))


@dataclass(frozen=True)
class FamilyEntry(Entry):
    """What a `Family` builds: its target is the family, whose fields are the arguments that can be given."""

    facts: BackboneFacts = field(kw_only=True)

    def load(self) -> Callable:
        """The constructor of the family."""
        family: Any = super().load()
        return family.build  # type: ignore[no-any-return]
