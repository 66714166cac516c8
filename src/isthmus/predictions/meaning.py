"""`Meaning`: what a task, a writer, a report and a map of a scene ask about the output of a model."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

from isthmus.errors import ArgumentError, did_you_mean
from isthmus.models.base import ModelOutput
from isthmus.predictions.place import Place
from isthmus.predictions.windows import Window
from isthmus.registry import Entry, Registry
from isthmus.registry.plugins import plugin_entries
from isthmus.specs import OutputSpec

Spec = TypeVar("Spec", bound=OutputSpec)


@dataclass(frozen=True, slots=True)
class PredictedSample:
    """A sample and what a model gives for it.

    Attributes:
        image: `(bands, height, width)`, as it is drawn.
        output: of a batch of this one sample.
        truth: of the same batch; None where it is not known.
        name: what the sample is called.
    """

    image: npt.NDArray[np.floating]
    output: ModelOutput
    truth: Tensor | None
    name: str


class Meaning(ABC, Generic[Spec]):
    """What the numbers of a model mean; a subclass for every kind of output.

    Args:
        spec: the statement that says so.

    Attributes:
        spec: the same.
        kinds: what can be asked of `named`, the usual one first.
        each: what one of `names` is, such as "class".
    """

    kinds: tuple[str, ...] = ("prediction",)
    each: str

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    @property
    def names(self) -> tuple[str, ...]:
        """What the numbers are called: classes, quantities, points."""
        return tuple(getattr(self.spec, "names", ()))

    @property
    def counted(self) -> str:
        """What predictions are counted in: pixels or images."""
        return f"{self.spec.scope}s"

    @abstractmethod
    def decide(self, output: ModelOutput) -> Tensor:
        """What the model decides on, for a batch."""

    def named(self, output: ModelOutput, kind: str = "prediction") -> tuple[Tensor, str]:
        """What is asked for by its kind, and the suffix of the files that it goes to; numbers are float32.

        Raises:
            ArgumentError: there is nothing of that kind.
        """
        if kind not in self.kinds:
            hint = did_you_mean(kind, self.kinds) or "."
            raise ArgumentError(f"predictions have no {kind!r}{hint} There are: {', '.join(self.kinds)}")
        return self._named(output, kind)

    @abstractmethod
    def _named(self, output: ModelOutput, kind: str) -> tuple[Tensor, str]:
        """`named`, for one of `kinds`."""

    def blend(self, windows: Sequence[Window], size: tuple[int, int]) -> Tensor:  # noqa: ARG002
        """One result out of those of overlapping windows of a scene.

        Args:
            windows: what the model gives for each.
            size: (height, width) of the scene.

        Raises:
            ArgumentError: there is nothing that could be blended.
        """
        raise ArgumentError(f"{self.spec.kind} of whole images are not blended over windows of a scene")

    def write(self, values: Tensor, suffix: str, place: Place) -> list[Path]:  # noqa: ARG002
        """Write the files of one sample; none, where all samples share a table (see `row`).

        Args:
            values: what `named` gave, without the axis of the batch.
            suffix: the one that it came with.
            place: where to.

        Returns:
            The files that were written.

        Raises:
            RasterError: the values do not fit on the image, or a file cannot be written.
        """
        return []

    def row(self, values: Tensor, suffix: str) -> dict[str, Any]:  # noqa: ARG002
        """What one sample adds to the table of all samples, by column; nothing, where it has files of its own.

        Args:
            values: what `named` gave, without the axis of the batch.
            suffix: the one that it came with.
        """
        return {}

    @abstractmethod
    def draw(
        self, path: Path, samples: Sequence[PredictedSample], *, title: str, rgb_indices: Sequence[int] = (0, 1, 2)
    ) -> None:
        """Draw samples with their truth and what was predicted, as PNG.

        Args:
            path: where to; an existing file is replaced.
            samples: what to draw.
            title: what stands above the picture.
            rgb_indices: the bands that are drawn red, green and blue.
        """


MEANING_REGISTRY = Registry(
    "kind of output",
    chain(
        (
            Entry("classes", "isthmus.predictions.classes:meaning_of_classes"),
            Entry("quantities", "isthmus.predictions.quantities:meaning_of_quantities"),
            Entry("points", "isthmus.predictions.points:PointMeaning"),
        ),
        plugin_entries("isthmus.outputs"),
    ),
)
"""By the `kind` of an `OutputSpec`: what makes a `Meaning` of it."""


def meaning_of(spec: OutputSpec) -> Meaning[Any]:
    """What the numbers of a model mean.

    Raises:
        ArgumentError: nobody has said what a kind of output means.
    """
    if spec.kind not in MEANING_REGISTRY:
        raise ArgumentError(
            f"there is no meaning for the kind of output {spec.kind!r} yet; there are: {', '.join(MEANING_REGISTRY)}"
        )
    meaning: Meaning[Any] = MEANING_REGISTRY.build(spec.kind, spec)
    return meaning
