"""What the numbers of a model mean: `OutputSpec` and its kinds.

A kind says what the numbers are and everything that it takes to decide on them. What is decided, how overlapping
windows are blended, what is written into which file and how it is drawn follows from it alone, in
`isthmus.predictions`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from isthmus.errors import ArgumentError, did_you_mean
from isthmus.specs.plain import PlainData

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255 each."""


class Scope(StrEnum):
    """What a prediction is about."""

    PIXEL = "pixel"
    IMAGE = "image"


class OutputSpec(PlainData):
    """What the numbers of a model mean; one of the kinds below.

    Attributes:
        kind: what the kind is called in plain data.
    """

    __slots__ = ()

    kind: ClassVar[str]

    @property
    def scope(self) -> Scope:
        """Whether there is a prediction for every pixel or one for a whole image."""
        return Scope.PIXEL

    @property
    def channels(self) -> int | None:
        """How many numbers the model gives for a pixel or an image; None where that is not fixed."""
        return None

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, and the kind."""
        return {"kind": self.kind, **PlainData.to_dict(self)}


def output_spec_from(data: Mapping[str, Any]) -> OutputSpec:
    """Make a statement of any kind again from what its `to_dict` gave.

    Raises:
        ArgumentError: the kind is unknown, or a field is unknown or missing.
    """
    kinds = {each.kind: each for each in KINDS}
    name = str(data.get("kind"))
    if name not in kinds:
        hint = did_you_mean(name, kinds) or f"; there are: {', '.join(kinds)}"
        raise ArgumentError(f"there is no kind of output {name!r}{hint}", argument="kind")
    return kinds[name].from_dict({key: value for key, value in data.items() if key != "kind"})


@dataclass(frozen=True, slots=True)
class Classes(OutputSpec):
    """Scores (logits) of classes: one of K is true or, with `several`, any of them.

    Attributes:
        names: the classes, in the order of the channels.
        colours: a colour each; None for the usual ones.
        scope: per pixel, `(B, K, H, W)`, or per image, `(B, K)`.
        several: whether several classes may be true at once; each is then decided by its threshold.
        thresholds: the probability from which on a class counts as true, one each; None for 0.5.
    """

    kind: ClassVar[str] = "classes"

    names: tuple[str, ...]
    colours: tuple[Colour, ...] | None = None
    scope: Scope = Scope.PIXEL
    several: bool = False
    thresholds: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        _as_many(self.colours, self.names, "colours", "classes")
        _as_many(self.thresholds, self.names, "thresholds", "classes")

    @property
    def channels(self) -> int:
        """One a class."""
        return len(self.names)


@dataclass(frozen=True, slots=True)
class Quantities(OutputSpec):
    """Values of continuous quantities.

    Attributes:
        names: the quantities, in the order of the channels.
        units: a unit each, such as "m" or "%"; None where nobody says.
        scope: per pixel, `(B, Q, H, W)` (or `(B, H, W)` for a single one), or per image, `(B, Q)`.
    """

    kind: ClassVar[str] = "quantities"

    names: tuple[str, ...]
    units: tuple[str, ...] | None = None
    scope: Scope = Scope.PIXEL

    def __post_init__(self) -> None:
        _as_many(self.units, self.names, "units", "quantities")

    @property
    def channels(self) -> int:
        """One a quantity."""
        return len(self.names)


@dataclass(frozen=True, slots=True)
class Points(OutputSpec):
    """Named points, found as the peaks of confidence maps `(B, K, h, w)` at any stride.

    Attributes:
        names: the K points.
        threshold: peaks that are not higher are no points.
        refine: how a peak is placed within its cell; see `isthmus.predictions.points`.
        max_instances: how many points of a name an image holds at most.
        min_distance: how near to each other two points of a name can be, in pixels.
        offsets: whether 2 K further maps hold vectors from cells to points.
    """

    kind: ClassVar[str] = "points"

    names: tuple[str, ...]
    threshold: float = 0.2
    refine: str = "quadratic"
    max_instances: int = 1
    min_distance: float = 5.0
    offsets: bool = False

    @property
    def channels(self) -> int:
        """One a point and, with offsets, two more."""
        return len(self.names) * (3 if self.offsets else 1)


@dataclass(frozen=True, slots=True)
class Boxes(OutputSpec):
    """Objects as boxes, with a class, a score and perhaps a mask each.

    Attributes:
        names: the classes, in the order of their labels.
        colours: a colour each; None for the usual ones.
        masks: whether every object has a mask too.
        score_threshold: objects with a lower score do not count.
        iou_threshold: of two objects of a class that overlap more, the one with the lower score does not count.
    """

    kind: ClassVar[str] = "boxes"

    names: tuple[str, ...]
    colours: tuple[Colour, ...] | None = None
    masks: bool = False
    score_threshold: float = 0.5
    iou_threshold: float = 0.5

    @property
    def scope(self) -> Scope:
        """Objects are those of a whole image."""
        return Scope.IMAGE

    def __post_init__(self) -> None:
        _as_many(self.colours, self.names, "colours", "classes")


@dataclass(frozen=True, slots=True)
class Embedding(OutputSpec):
    """A vector for every patch, `(B, D, h, w)`, or for a whole image, `(B, D)`.

    Attributes:
        size: the D numbers of a vector.
        scope: per patch or per image.
        stride: pixels from patch to patch, (vertical, horizontal); None per image.
    """

    kind: ClassVar[str] = "embedding"

    size: int
    scope: Scope = Scope.IMAGE
    stride: tuple[float, float] | None = None

    @property
    def channels(self) -> int:
        """One a number."""
        return self.size


@dataclass(frozen=True, slots=True)
class Reconstructed(OutputSpec):
    """The images themselves, as a model gives them back of which a part was hidden from it.

    Attributes:
        bands: what the bands are called.
    """

    kind: ClassVar[str] = "reconstruction"

    bands: tuple[str | int, ...]

    @property
    def channels(self) -> int:
        """One a band."""
        return len(self.bands)


KINDS: tuple[type[OutputSpec], ...] = (Classes, Quantities, Points, Boxes, Embedding, Reconstructed)


def _as_many(given: tuple[Any, ...] | None, names: tuple[str, ...], what: str, of: str) -> None:
    if given is not None and len(given) != len(names):
        raise ArgumentError(f"{len(given)} {what} are given for {len(names)} {of}", argument=what)
