"""The meaning of continuous quantities, per pixel and per image."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from isthmus.errors import ShapeError
from isthmus.models.base import ModelOutput
from isthmus.predictions.maps import MapMeaning
from isthmus.predictions.meaning import Meaning, PredictedSample
from isthmus.predictions.pictures import PictureSample
from isthmus.predictions.thumbnails import Thumbnail, draw_thumbnails
from isthmus.predictions.value_pictures import draw_values, show_value
from isthmus.rasters.legend import Legend, value_legend
from isthmus.specs import Quantities, Scope


def meaning_of_quantities(spec: Quantities) -> "QuantityMeaning":
    """The meaning of quantities, after what they are measured of."""
    return ImageQuantities(spec) if spec.scope is Scope.IMAGE else QuantityMaps(spec)


class QuantityMeaning(Meaning[Quantities]):
    """What quantities per pixel and per image have in common.

    Attributes:
        units: one a quantity, empty where there is none.
    """

    each = "quantity"

    def __init__(self, spec: Quantities) -> None:
        super().__init__(spec)
        self.units = spec.units or ("",) * len(spec.names)

    def decide(self, output: ModelOutput) -> Tensor:
        """The values as the model gives them."""
        return output.output.detach()

    def _named(self, output: ModelOutput, kind: str) -> tuple[Tensor, str]:  # noqa: ARG002
        return self.decide(output).float(), "pred"  # also where the model computes in half precision


class QuantityMaps(QuantityMeaning, MapMeaning[Quantities]):
    """Quantities of pixels: values `(B, Q, H, W)`, or `(B, H, W)` of a single one."""

    def legend(self, suffix: str) -> Legend:  # noqa: ARG002
        """One band of numbers a quantity, which has its name and its unit."""
        return value_legend(self.spec.names, self.units)

    def draw(
        self, path: Path, samples: Sequence[PredictedSample], *, title: str, rgb_indices: Sequence[int] = (0, 1, 2)
    ) -> None:
        """The image and, of each quantity, the truth, what was predicted and the error, in one scale."""
        shown = [
            PictureSample(
                sample.image,
                None if sample.truth is None else self._maps(sample.truth[0]),
                self._maps(self.decide(sample.output)[0]),
                sample.name,
            )
            for sample in samples
        ]
        draw_values(path, shown, self.spec.names, self.units, title=title, rgb_indices=rgb_indices)

    def _maps(self, values: Tensor) -> npt.NDArray[np.float32]:
        """The values of one sample as `(Q, H, W)`."""
        if values.ndim == 2:
            values = values.unsqueeze(0)
        if len(values) != len(self.spec.names):
            raise ShapeError(
                f"there are {len(values)} maps, but {len(self.spec.names)} quantities: {', '.join(self.spec.names)}"
            )
        return values.float().cpu().numpy()


class ImageQuantities(QuantityMeaning):
    """Quantities of whole images: values `(B, Q)`, or `(B,)` of a single one."""

    def row(self, values: Tensor, suffix: str) -> dict[str, Any]:  # noqa: ARG002
        """A column of values for each quantity."""
        found: list[np.float32] = list(values.float().cpu().reshape(-1).numpy())
        return dict(zip(self.spec.names, found, strict=True))

    def draw(
        self, path: Path, samples: Sequence[PredictedSample], *, title: str, rgb_indices: Sequence[int] = (0, 1, 2)
    ) -> None:
        """The images, with their true and their predicted values."""
        shown = [
            Thumbnail(
                sample.image,
                sample.name,
                None if sample.truth is None else self._said(sample.truth[0]),
                self._said(self.decide(sample.output)[0]),
            )
            for sample in samples
        ]
        draw_thumbnails(path, shown, title=title, rgb_indices=rgb_indices)

    def _said(self, values: Tensor) -> str:
        numbers = values.float().reshape(-1).tolist()
        if len(numbers) == 1:
            return show_value(numbers[0], self.units[0])
        said = zip(self.spec.names, numbers, self.units, strict=True)
        return ", ".join(f"{name} {show_value(number, unit)}" for name, number, unit in said)
