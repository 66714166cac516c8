"""Samples of an image read from a raster: what every dataset has in common."""

import os
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
from isthmus.datasets.metadata import Metadata
from isthmus.datasets.pairing import Sample
from isthmus.errors import DataError

Transform = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes and gives a sample."""

_THREADS = min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


class ImageDataset(Dataset[dict[str, Any]]):
    """Images, read from rasters.

    Each sample is a dictionary with `image`, float32 `(C, H, W)` or `(C, T, H, W)`, and `filename`, the path of the
    image as a string; with `metadata` also `temporal_coords`, float32 `(T, 2)`, and `location_coords`, float32 `(2,)`.
    A subclass adds what it knows of the image in `read_files`.

    Args:
        samples: the files.
        image_reader: how images are read.
        no_data_replace: what missing pixels of an image become: one value, in the units of the file, or one per
            channel, in the units of the image (after scaling). None: a missing pixel is an error.
        transform: takes and gives a sample.
        rgb_indices: the channels that are red, green and blue in pictures; found by name where None.
        metadata: when and where the images were taken.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        image_reader: ImageReader,
        no_data_replace: float | Sequence[float] | None = None,
        transform: Transform | None = None,
        rgb_indices: Sequence[int] | None = None,
        metadata: Metadata | None = None,
    ) -> None:
        if metadata is not None:
            metadata.check(samples)
        self.metadata = metadata
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
        with env_ctx_if_needed():  # one for all files
            return self.read_files(sample)

    def read_files(self, sample: Sample) -> dict[str, Any]:
        """Read what belongs to a sample, before any transform; called from several threads."""
        image = self.image_reader.read(sample.image)
        self._fill_missing(image, sample.image)
        item: dict[str, Any] = {"image": torch.from_numpy(image), "filename": str(sample.image)}
        if self.metadata is not None:
            found = self.metadata.of(sample, image.shape[1] if image.ndim == 4 else 1)
            item |= {name: torch.from_numpy(values) for name, values in found.items()}
        return item

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
