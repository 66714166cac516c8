"""Batches of images: what all datamodules have in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from torch.utils.data import DataLoader, default_collate

from isthmus.datamodules.loading import check_stackable, make_loader
from isthmus.datamodules.normalize import Normalize
from isthmus.datasets.headers import Size
from isthmus.datasets.image_dataset import ImageDataset, Transform
from isthmus.datasets.source import ImageSource
from isthmus.errors import ArgumentError
from isthmus.statistics import resolve_normalization

_STAGES = {"fit": ("train", "val"), "validate": ("val",), "test": ("test",), "predict": ("predict",)}


class ImageDataModule(pl.LightningDataModule, ABC):
    """Datasets of images in folders, as batches that are normalised once they are on their device.

    A subclass says how a dataset is made and, where `default_collate` does not do, in `collate_fn` how samples are
    joined into a batch. `file_sizes` holds the images of each stage by the size of their file, where
    `check_stackability` has them looked at.

    Args:
        source: where the files are and how they are read.
        means: see `isthmus.datamodules.GenericNonGeoSegmentationDataModule`, as for all others.
    """

    collate_fn: Callable[[list[dict[str, Any]]], dict[str, Any]] = staticmethod(default_collate)

    def __init__(
        self,
        source: ImageSource,
        *,
        batch_size: int,
        num_workers: int,
        means: Sequence[float] | str | Path | None,
        stds: Sequence[float] | str | Path | None,
        transforms: dict[str, Transform | Sequence[Transform] | None],
        no_data_replace: float | None,
        drop_last: bool,
        pin_memory: bool,
        check_stackability: bool,
        prefetch_factor: int | None,
    ) -> None:
        super().__init__()
        if batch_size < 1:
            raise ArgumentError(f"batch_size is {batch_size}; at least 1 was expected")
        source.bands()  # contradictions are told now, not when the first file is read
        self.source = source
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.means, self.stds = means, stds
        self.transforms = transforms
        self.no_data_replace = no_data_replace
        self.drop_last = drop_last
        self.pin_memory = pin_memory
        self.check_stackability = check_stackability
        self.prefetch_factor = prefetch_factor
        self.aug: Normalize | None = None
        self.datasets: dict[str, ImageDataset] = {}
        self.file_sizes: dict[str, dict[Size, list[Path]]] = {}

    @abstractmethod
    def make_dataset(
        self,
        stage: str,
        fill: float | Sequence[float] | None,
        transform: Transform | Sequence[Transform] | None,
    ) -> ImageDataset:
        """Make the dataset of `train`, `val`, `test` or `predict`; `fill` is what missing pixels become."""

    def setup(self, stage: str) -> None:
        """Find the files of a stage, `fit`, `validate`, `test` or `predict`, and the normalisation.

        Raises:
            DataError: files are missing, do not pair, or cannot be joined into batches; the message names them.
        """
        wanted = _STAGES[stage]
        if not self.source.has(wanted[0]):
            self.source.samples(wanted[0])  # says which folder is missing
        if self.aug is None:
            self._set_normalization()
        for name in wanted:
            if self.source.has(name) and name not in self.datasets:
                self.datasets[name] = self.checked_dataset(name)

    def _set_normalization(self) -> None:
        self.means, self.stds = resolve_normalization(self.means, self.stds, self.source)
        if self.means is not None and self.stds is not None:
            self.aug = Normalize(self.means, self.stds)

    def checked_dataset(self, name: str) -> ImageDataset:
        """Make the dataset of a stage and make sure, as far as headers tell, that its samples can be used."""
        fill: float | Sequence[float] | None = self.no_data_replace
        if fill is None and self.aug is not None:
            fill = self.aug.means.tolist()  # 0 after normalisation
        key = "test" if name == "predict" else name
        dataset = self.make_dataset(name, fill, self.transforms.get(key))
        if self.check_stackability:
            self.file_sizes[name] = check_stackable(dataset, self.batch_size, f"{key}_transform")
        return dataset

    @property
    def train_dataset(self) -> ImageDataset:
        """The dataset to train on, once it has been set up."""
        return self._dataset("train")

    @property
    def val_dataset(self) -> ImageDataset:
        """The dataset to validate on, once it has been set up."""
        return self._dataset("val")

    @property
    def test_dataset(self) -> ImageDataset:
        """The dataset to test on, once it has been set up."""
        return self._dataset("test")

    @property
    def predict_dataset(self) -> ImageDataset:
        """The dataset to predict, once it has been set up."""
        return self._dataset("predict")

    def _dataset(self, name: str) -> ImageDataset:
        if name not in self.datasets:
            if not self.source.has(name):
                raise ArgumentError(f"{name}_data_root is not given")
            raise ArgumentError(f"there is no {name} dataset yet; call setup first")
        return self.datasets[name]

    def train_dataloader(self) -> "DataLoader[Any]":
        """Shuffled batches to train on."""
        return self._loader("train")

    def val_dataloader(self) -> "DataLoader[Any]":
        """Batches to validate on."""
        return self._loader("val")

    def test_dataloader(self) -> "DataLoader[Any]":
        """Batches to test on."""
        return self._loader("test")

    def predict_dataloader(self) -> "DataLoader[Any]":
        """Batches to predict."""
        return self._loader("predict")

    def _loader(self, name: str) -> "DataLoader[Any]":
        training = name == "train"
        return make_loader(
            self._dataset(name),
            self.batch_size,
            shuffle=training,
            num_workers=self.num_workers,
            drop_last=self.drop_last and training,
            pin_memory=self.pin_memory,
            prefetch_factor=self.prefetch_factor,
            collate_fn=self.collate_fn,
        )

    def on_after_batch_transfer(self, batch: dict[str, Any], dataloader_idx: int) -> dict[str, Any]:  # noqa: ARG002
        """Normalise a batch that has arrived on its device."""
        return batch if self.aug is None else self.aug(batch)
