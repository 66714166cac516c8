"""Batches from datasets: worker processes, seeds, and sizes that must be equal."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from isthmus.datasets.dataset import ImageDataset
from isthmus.datasets.headers import describe_odd_size, sizes_of
from isthmus.errors import DataError
from isthmus.specs.inputs import Size
from isthmus.transforms.sample import size_of


def seed_worker(_: int) -> None:
    """Seed the random generators of a worker process from torch's, which differs by worker and by epoch."""
    seed = torch.initial_seed()
    random.seed(seed)
    np.random.seed(seed % 2**32)


def make_loader(
    dataset: Dataset[Any],
    batch_size: int,
    *,
    shuffle: bool,
    num_workers: int,
    drop_last: bool,
    pin_memory: bool,
    prefetch_factor: int | None = None,
    collate_fn: Callable[[list[Any]], Any] | None = None,
) -> "DataLoader[Any]":
    """Make the loader of a dataset; worker processes live as long as the loader. `collate_fn` joins samples.

    Raises:
        DataError: there is no sample, or `drop_last` would leave no batch.
    """
    size = len(dataset)  # type: ignore[arg-type]
    if size == 0:
        raise DataError("the dataset has no samples")
    if drop_last and size < batch_size:
        raise DataError(
            f"{size} sample(s) give no full batch of {batch_size}, and drop_last leaves out what is not full; reduce "
            f"batch_size to {size} or set drop_last to false"
        )
    return DataLoader(
        dataset,
        batch_size=batch_size,
        shuffle=shuffle,
        num_workers=num_workers,
        drop_last=drop_last,
        pin_memory=pin_memory and torch.cuda.is_available(),
        persistent_workers=num_workers > 0,
        prefetch_factor=prefetch_factor if num_workers > 0 else None,
        worker_init_fn=seed_worker,
        collate_fn=collate_fn,
    )


def check_stackable(dataset: ImageDataset, batch_size: int, transform_key: str) -> dict[Size, list[Path]]:
    """Make sure that the samples of a dataset can be joined into batches, from the headers of its files.

    Where the files differ in size the transform is tried on an empty image of each size; it may make them equal.

    Returns:
        The images by the size of their file.

    Raises:
        DataError: samples of different sizes would meet in a batch, an image and its label differ in size, or an image
            is too small for the transform.
    """
    sizes = sizes_of(dataset.samples, dataset.readers)
    if batch_size == 1 or (len(sizes) == 1 and dataset.transform is None):
        return sizes
    outcomes = {_size_after_transform(dataset, size, str(files[0]), transform_key) for size, files in sizes.items()}
    if len(sizes) > 1 and len(outcomes) > 1:
        raise DataError(
            f"images of different sizes cannot be joined into batches of {batch_size}: {describe_odd_size(sizes)}. "
            f"Crop or resize them in {transform_key} (as with torchvision.transforms.v2.RandomCrop or Resize), or set "
            "batch_size to 1"
        )
    return sizes


def _size_after_transform(dataset: ImageDataset, size: Size, filename: str, transform_key: str) -> Size:
    if dataset.transform is None:
        return size
    try:
        with torch.random.fork_rng(devices=[]):
            return size_of(dataset.transform(dataset.blank(*size))["image"])
    except ValueError as error:
        raise DataError(
            f"{transform_key} fails on {filename}, which is {size[0]} x {size[1]} pixels (height x width): {error}"
        ) from error
