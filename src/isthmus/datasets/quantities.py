"""Label rasters as quantities: one band a quantity."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from isthmus.datasets.masks import MaskReader
from isthmus.datasets.pairing import Sample
from isthmus.datasets.readers import Reader
from isthmus.datasets.source import PixelwiseSource
from isthmus.errors import ArgumentError
from isthmus.rasters.read import read_bands


@dataclass(frozen=True, kw_only=True)
class RegressionSource(PixelwiseSource):
    """Images and maps of quantities in folders.

    The attributes are arguments of `isthmus.datamodules.GenericNonGeoPixelwiseRegressionDataModule`, and explained
    there.
    """

    label_bands: Sequence[int] | None = None
    no_label_replace: float | None = None
    ignore_index: float | None = None

    @property
    def labels_in_images(self) -> bool:
        """Whether labels may be bands of the files of the images: where it is said which."""
        return self.label_bands is not None

    def label_reader(self) -> "QuantityReader":
        """How labels are read.

        Raises:
            ArgumentError: there is no band, one twice, or one below 0.
        """
        bands = (0,) if self.label_bands is None else tuple(self.label_bands)
        return QuantityReader(bands, self.no_label_replace, self.ignore_index)

    def readers(self, stage: str = "train") -> dict[str, Reader]:
        """Everything that is read of a sample; the maps of quantities as `mask`."""
        return {**super().readers(stage), "mask": self.label_reader()}

    def samples(self, stage: str) -> list[Sample]:
        """The samples of a stage: `train`, `val`, `test`, or `predict`, which has no labels.

        Raises:
            ArgumentError: no folder is given for the stage, or a label is among what the model is shown.
            PairingError: files are missing or do not pair.
        """
        samples = super().samples(stage)
        if any(sample.label == sample.image for sample in samples):
            self._refuse_labels_as_input(stage)
        return samples

    def told(self) -> dict[str, Any]:
        """The bands of labels, also where nothing is said."""
        return {"label_bands": list(self.label_reader().bands)}

    def _refuse_labels_as_input(self, stage: str) -> None:
        shown = self.bands(stage).filter_indices
        given = [band for band in self.label_bands or () if shown is None or band in shown]
        if given:
            raise ArgumentError(
                f"the images hold their own labels, in band {', '.join(map(str, given))} (label_bands), which is also "
                "given to the model; name all bands in dataset_bands, and in output_bands those without the labels",
                argument="output_bands",
            )


@dataclass(frozen=True, slots=True)
class QuantityReader(MaskReader):
    """How the file of a label is read: float32, with NaN for what is not known.

    Attributes:
        bands: of the file, from 0: one a quantity.
        no_label_replace: what a pixel without a label becomes, where not NaN.
        ignore_index: a value in the file that stands for no label.
    """

    dtype: ClassVar[type[np.generic]] = np.float32

    bands: tuple[int, ...] = (0,)
    no_label_replace: float | None = None
    ignore_index: float | None = None

    def __post_init__(self) -> None:
        whole = all(isinstance(band, int) and band >= 0 for band in self.bands)
        if not self.bands or not whole or len(set(self.bands)) != len(self.bands):
            raise ArgumentError(
                f"label_bands is {list(self.bands)}; at least one band was expected, counted from 0, and each once",
                argument="label_bands",
            )

    @property
    def fill(self) -> float:
        """What a pixel without a label becomes."""
        return float("nan") if self.no_label_replace is None else self.no_label_replace

    def read_file(self, path: Path) -> npt.NDArray[np.float32]:
        """Read a label, `(height, width)` of a single quantity or `(quantities, height, width)`.

        A pixel has no label where the file says so (nodata value, mask, NaN, `ignore_index`) and where it is infinite.

        Raises:
            RasterError: the file is missing, empty, truncated, or not a raster.
            BandError: a band that the file does not have.
        """
        values = read_bands(path, self.bands)
        missing = ~np.isfinite(values)
        if self.ignore_index is not None:
            missing |= values == np.float32(self.ignore_index)
        values[missing] = self.fill
        return values[0] if len(values) == 1 else values
