"""Samples read from files by named readers: the one dataset of all kinds of data."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rasterio.env import env_ctx_if_needed
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset, default_collate, get_worker_info

from isthmus.datasets.bands import BandSelection
from isthmus.datasets.pairing import Sample
from isthmus.datasets.readers import ImageReader, Readers, image_readers, target_readers
from isthmus.errors import DataError
from isthmus.specs import IMAGE

Transform = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes and gives a sample."""

Fill = float | Sequence[float] | None
"""What missing pixels become, in the units of the image: one value or one a channel; None where none may be missing."""

_THREADS = min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


class ImageDataset(Dataset[dict[str, Any]]):
    """Images with what belongs to them, each read by a reader.

    Each sample is a dictionary with `image`, float32 `(C, H, W)` or `(C, T, H, W)`, or several of these by modality;
    `filename`, the path of the first image as a string; and what the other readers give, under their keys.

    Args:
        samples: the files.
        readers: how they are read, by name.
        fill: what missing pixels become, by modality.
        transform: one or several of `torchvision.transforms.v2`, or any callable that takes and gives a sample; what
            is known about an image moves with it.
        rgb_indices: the channels that are red, green and blue in pictures; found by name where None.

    Raises:
        DataError: a sample lacks what is to be read of it.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        readers: Readers,
        fill: Mapping[str, Fill] | None = None,
        transform: Transform | Sequence[Transform] | None = None,
        rgb_indices: Sequence[int] | None = None,
    ) -> None:
        self.samples = list(samples)
        self.readers = readers
        self.images, self.targets = image_readers(readers), target_readers(readers)
        for target in self.targets.values():
            target.check(self.samples)
        self.fill = fill or {}
        self.transform = self._moving_all(transform)
        self.rgb_indices = find_rgb(self.image_reader.bands) if rgb_indices is None else list(rgb_indices)

    def _moving_all(self, transform: Transform | Sequence[Transform] | None) -> Transform | None:
        """Let transforms see each part of a sample as what it is: a plain tensor would not move with the image."""
        if transform is None:
            return None
        from isthmus.transforms.sample import SampleTransform

        moving = [each for each in (target.moving() for target in self.targets.values()) if each is not None]
        if isinstance(transform, SampleTransform) and transform.moves(moving):
            return transform
        return SampleTransform(transform, targets=moving)

    @property
    def image_reader(self) -> ImageReader:
        """How the first image of a sample is read."""
        return next(iter(self.images.values()))

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
        """Everything that belongs to a sample, before any transform; called from several threads."""
        with env_ctx_if_needed():  # one for all files
            images = {name: self._image(name, reader, sample) for name, reader in self.images.items()}
            shape = next(iter(images.values())).shape
            tensors = {name: torch.from_numpy(image) for name, image in images.items()}
            item: dict[str, Any] = {"image": tensors.get(IMAGE, tensors), "filename": str(sample.image)}
            for target in self.targets.values():
                item |= {key: torch.from_numpy(values) for key, values in target.read(sample, shape).items()}
        return item

    def _image(self, name: str, reader: ImageReader, sample: Sample) -> npt.NDArray[np.float32]:
        image = reader.read(sample.file(name))
        fill_missing(image, self.fill.get(name), sample.file(name))
        return image

    def blank(self, height: int, width: int) -> dict[str, Any]:
        """A sample like the first, of another size and empty, to try a transform on."""
        first = self.samples[0]
        images = {
            name: torch.zeros(len(reader.bands.names or (0,)), height, width) for name, reader in self.images.items()
        }
        item: dict[str, Any] = {"image": images.get(IMAGE, images), "filename": str(first.image)}
        for target in self.targets.values():
            item |= {key: torch.from_numpy(values) for key, values in target.blank(first, height, width).items()}
        return item

    def collate(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        """Join samples into a batch; see `collate`."""
        return collate(items, {key for target in self.targets.values() for key in target.ragged})


def collate(items: list[dict[str, Any]], ragged: Collection[str] = ()) -> dict[str, Any]:
    """Join samples into a batch.

    Args:
        items: the samples.
        ragged: keys whose tensors differ in length; they become `(B, N, ...)`, where NaN makes up for what others have
            more.

    Raises:
        DataError: the images differ in size.
    """
    first = items[0]
    for item in items[1:]:
        if _shapes(item["image"]) != _shapes(first["image"]):
            raise DataError(
                f"images of different sizes cannot be joined into a batch: {first['filename']} is "
                f"{_shapes(first['image'])} (channels, height, width), {item['filename']} is {_shapes(item['image'])}. "
                "Crop or resize them in a transform, or set batch_size to 1"
            )
    batch = default_collate([{key: item[key] for key in item if key not in ragged} for item in items])
    for key in ragged:
        if key in first:
            batch[key] = pad_sequence([item[key] for item in items], batch_first=True, padding_value=torch.nan)
    return dict(batch)


def _shapes(images: Tensor | Mapping[str, Tensor]) -> Any:
    return tuple(images.shape) if isinstance(images, Tensor) else {name: tuple(x.shape) for name, x in images.items()}


def fill_missing(image: npt.NDArray[np.float32], fill: Fill, path: Path) -> None:
    """Give the missing pixels of an image a value, in place.

    Raises:
        DataError: there are some, and no value for them.
    """
    missing = np.isnan(image)
    if not missing.any():
        return
    if fill is None:
        raise DataError(
            f"{path} has {int(missing.sum())} missing value(s) (nodata, NaN or infinite); set no_data_replace to "
            "the value that they take"
        )
    values = [fill] * len(image) if isinstance(fill, int | float) else fill
    for channel, value in zip(range(len(image)), values, strict=True):
        image[channel][missing[channel]] = value


def find_rgb(bands: BandSelection) -> list[int]:
    """The channels that are red, green and blue, by the names of the bands; the first three where those do not tell."""
    names = [str(name).upper() for name in bands.names or ()]
    if all(color in names for color in ("RED", "GREEN", "BLUE")):
        return [names.index(color) for color in ("RED", "GREEN", "BLUE")]
    return [0, 1, 2]
