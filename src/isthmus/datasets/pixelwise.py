"""Samples of an image with a label per pixel: what segmentation and regression have in common."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rasterio.env import env_ctx_if_needed
from torch.utils.data import Dataset, get_worker_info

from isthmus.datasets.bands import BandSelection
from isthmus.datasets.images import ImageReader
from isthmus.datasets.pairing import Sample
from isthmus.errors import DataError

Transform = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes and gives a sample."""

_THREADS = min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


class PixelwiseDataset(Dataset[dict[str, Any]], ABC):
    """Images with a label per pixel, read from rasters.

    Each sample is a dictionary with `image`, float32 `(C, H, W)` or `(C, T, H, W)`; `mask`, `(H, W)`, where the sample
    has a label; and `filename`, the path of the image as a string.

    Args:
        samples: the files.
        image_reader: how images are read.
        no_data_replace: what missing pixels of an image become: one value, in the units of the file, or one per
            channel, in the units of the image (after scaling). None: a missing pixel is an error.
        transform: takes and gives a sample.
        rgb_indices: the channels that are red, green and blue in pictures; found by name where None.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        image_reader: ImageReader,
        no_data_replace: float | Sequence[float] | None = None,
        transform: Transform | None = None,
        rgb_indices: Sequence[int] | None = None,
    ) -> None:
        self.samples = list(samples)
        self.image_reader = image_reader
        self.no_data_replace = no_data_replace
        self.transform = transform
        self.rgb_indices = find_rgb(image_reader.bands) if rgb_indices is None else list(rgb_indices)

    @property
    def image_files(self) -> list[str]:
        """The paths of the images, in the order of the samples."""
        return [str(sample.image) for sample in self.samples]

    @property
    def filter_indices(self) -> list[int] | None:
        """The places of the output bands among the dataset bands, from 0; None where every band is used."""
        return self.image_reader.bands.filter_indices

    @abstractmethod
    def read_mask(self, path: Path) -> npt.NDArray[Any]:
        """Read a label, `(height, width)`."""

    def __len__(self) -> int:
        """The number of samples."""
        return len(self.samples)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Read a sample.

        Raises:
            DataError: a file that cannot be used; the message names it.
        """
        return self._transformed(self._read(self.samples[index]))

    def __getitems__(self, indices: list[int]) -> list[dict[str, Any]]:
        """Read the samples of a batch, as `DataLoader` asks for them; in threads, unless this is one of its workers.

        GDAL decodes without holding Python back. Transforms are applied one after the other, so that what they draw
        does not depend on the threads.
        """
        samples = [self.samples[index] for index in indices]
        if get_worker_info() is not None or len(samples) == 1:
            return [self._transformed(self._read(sample)) for sample in samples]
        with ThreadPoolExecutor(min(len(samples), _THREADS)) as threads:
            return [self._transformed(item) for item in threads.map(self._read, samples)]

    def _transformed(self, item: dict[str, Any]) -> dict[str, Any]:
        return item if self.transform is None else self.transform(item)

    def _read(self, sample: Sample) -> dict[str, Any]:
        with env_ctx_if_needed():  # one for both files
            return self._read_files(sample)

    def _read_files(self, sample: Sample) -> dict[str, Any]:
        image = self.image_reader.read(sample.image)
        self._fill_missing(image, sample.image)
        item: dict[str, Any] = {"image": torch.from_numpy(image), "filename": str(sample.image)}
        if sample.label is None:
            return item
        mask = self.read_mask(sample.label)
        if mask.shape != image.shape[-2:]:
            raise DataError(
                f"{sample.image} is {_show(image.shape[-2:])} pixels (height x width), but its label {sample.label} "
                f"is {_show(mask.shape)}; they must be equal"
            )
        return {**item, "mask": torch.from_numpy(mask)}

    def _fill_missing(self, image: npt.NDArray[np.float32], path: Path) -> None:
        missing = np.isnan(image)
        if not missing.any():
            return
        if self.no_data_replace is None:
            raise DataError(
                f"{path} has {int(missing.sum())} missing value(s) (nodata, NaN or infinite); set no_data_replace to "
                "the value that they take"
            )
        if isinstance(self.no_data_replace, int | float):
            image[missing] = self.no_data_replace * self.image_reader.scale
        else:
            for channel, value in zip(range(len(image)), self.no_data_replace, strict=True):
                image[channel][missing[channel]] = value


def find_rgb(bands: BandSelection) -> list[int]:
    """The channels that are red, green and blue, by the names of the bands; the first three where those do not tell."""
    names = [str(name).upper() for name in bands.names or ()]
    if all(color in names for color in ("RED", "GREEN", "BLUE")):
        return [names.index(color) for color in ("RED", "GREEN", "BLUE")]
    return [0, 1, 2]


def _show(shape: Sequence[int]) -> str:
    return " x ".join(str(size) for size in shape)
