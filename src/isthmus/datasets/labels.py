"""Label rasters as classes, every pixel of them accounted for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.datasets.masks import MaskReader
from isthmus.datasets.readers import Reader
from isthmus.datasets.source import PixelwiseSource
from isthmus.errors import ArgumentError, LabelError
from isthmus.rasters.header import open_pixels
from isthmus.rasters.read import native_pixels_of


@dataclass(frozen=True, kw_only=True)
class SegmentationSource(PixelwiseSource):
    """Images and masks of classes in folders.

    The attributes are arguments of `isthmus.datamodules.GenericNonGeoSegmentationDataModule`, and explained there.
    """

    num_classes: object = None  # what is no number is told where types are checked
    reduce_zero_label: bool = False
    no_label_replace: int | None = None
    ignore_index: int | None = None
    class_names: Sequence[str] | None = None

    def label_reader(self) -> "LabelReader | None":
        """How labels are read; None where nobody says how many classes there are.

        Raises:
            ArgumentError: there is no class, or more or fewer names than classes.
        """
        if not isinstance(self.num_classes, int):
            return None
        return LabelReader(
            self.num_classes, self.reduce_zero_label, self.no_label_replace, self.ignore_index, self.class_names
        )

    def readers(self, stage: str = "train") -> dict[str, Reader]:
        """Everything that is read of a sample; the masks of classes as `mask`."""
        labels = self.label_reader()
        return {**super().readers(stage), **({} if labels is None else {"mask": labels})}


@dataclass(frozen=True, slots=True)
class LabelReader(MaskReader):
    """How the file of a label is read: its first band, whose values are classes.

    Attributes:
        num_classes: how many classes there are, from 0.
        reduce_zero_label: whether 0 in the file means "no label" and 1 the first class.
        no_label_replace: what a pixel without a label becomes: nodata, NaN, and 0 under `reduce_zero_label`.
        ignore_index: a value in the file that is left as it is and belongs to no class; pixels without a label take it
            where `no_label_replace` is not given.
        class_names: a name for each class, where there are names.
    """

    num_classes: int
    reduce_zero_label: bool = False
    no_label_replace: int | None = None
    ignore_index: int | None = None
    class_names: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if self.num_classes < 1:
            raise ArgumentError(f"num_classes is {self.num_classes}; at least 1 was expected", argument="num_classes")
        if self.class_names is not None and len(self.class_names) != self.num_classes:
            raise ArgumentError(
                f"class_names has {len(self.class_names)} name(s), but num_classes is {self.num_classes}: "
                f"{list(self.class_names)}",
                argument="class_names",
            )

    @property
    def fill(self) -> int | None:
        """What a pixel without a label becomes; None where nothing is said about them."""
        if self.no_label_replace is not None:
            return self.no_label_replace
        return -1 if self.reduce_zero_label and self.ignore_index is None else self.ignore_index

    @property
    def ignored(self) -> list[int]:
        """The values of a label that belong to no class."""
        return sorted({value for value in (self.fill, self.ignore_index) if value is not None})

    def read_file(self, path: Path) -> npt.NDArray[np.int64]:
        """Read a label as int64, `(height, width)`.

        Raises:
            RasterError: the file is missing, empty, truncated, or not a raster.
            LabelError: a value is no class, or pixels have no label and nothing says what they become.
        """
        with open_pixels(path) as source:
            native, missing = native_pixels_of(source, [0])
        return self.classes_of(native[0], None if missing is None else missing[0], path)

    def classes_of(
        self, native: npt.NDArray[Any], missing: npt.NDArray[np.bool_] | None, path: Path
    ) -> npt.NDArray[np.int64]:
        """Turn the values of a file into classes; `missing` marks its pixels without a label."""
        if native.dtype.kind == "f":
            native, missing = _whole_numbers(native, missing, path)
        labels = native.astype(np.int64)
        unlabelled = missing
        if self.reduce_zero_label:
            unlabelled = np.isin(labels, [0, *self.ignored])
            unlabelled = unlabelled if missing is None else unlabelled | missing
            labels -= 1
        if unlabelled is not None and unlabelled.any():
            if self.fill is None:
                raise LabelError(
                    f"{path} has {int(unlabelled.sum())} pixel(s) without a label (nodata or NaN); set "
                    "no_label_replace to the value that the task ignores, its ignore_index",
                    argument="no_label_replace",
                )
            labels[unlabelled] = self.fill
        self._refuse_strangers(labels, path)
        return labels

    def _refuse_strangers(self, labels: npt.NDArray[np.int64], path: Path) -> None:
        if labels.size == 0 or (labels.min() >= 0 and labels.max() < self.num_classes):
            return
        strange = labels[((labels < 0) | (labels >= self.num_classes)) & ~np.isin(labels, self.ignored)]
        if strange.size:
            values = np.unique(strange)
            shown = ", ".join(str(value) for value in values[:5]) + (", ..." if len(values) > 5 else "")
            shift = " after reduce_zero_label has taken 1 away" if self.reduce_zero_label else ""
            raise LabelError(
                f"{path} has {strange.size} pixel(s) with the label {shown}{shift}; "
                f"with num_classes {self.num_classes} labels are 0 to {self.num_classes - 1}"
                f"{_or_ignored(self.ignored)}",
                argument="num_classes",
            )


def _or_ignored(ignored: list[int]) -> str:
    if not ignored:
        return "; a value that is to be ignored must be named, as no_label_replace or ignore_index"
    return ", or " + " or ".join(str(value) for value in ignored) + " for pixels to ignore"


def _whole_numbers(
    native: npt.NDArray[Any], missing: npt.NDArray[np.bool_] | None, path: Path
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    absent = ~np.isfinite(native) if missing is None else missing | ~np.isfinite(native)
    native = np.where(absent, 0, native)
    fractions = native != np.trunc(native)
    if fractions.any():
        raise LabelError(
            f"{path} has {int(fractions.sum())} pixel(s) with a label that is not a whole number, such as "
            f"{native[fractions][0]}; classes are whole numbers"
        )
    return native, absent
