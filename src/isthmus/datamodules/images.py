# ruff: noqa: ARG002  (what says which files there are is taken by the sources of the subclasses)
"""Batches of images: what all datamodules have in common."""

from abc import ABC
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import lightning.pytorch as pl
from torch import nn
from torch.utils.data import DataLoader

from isthmus.datamodules.loading import check_stackable, make_loader
from isthmus.datamodules.normalize import Normalize
from isthmus.datasets.dataset import ImageDataset
from isthmus.datasets.preprocessing import fit_preprocessing, hold_preprocessing, readers_under
from isthmus.datasets.source import ImageSource
from isthmus.errors import ArgumentError
from isthmus.specs import Preprocessing
from isthmus.specs.inputs import Size

_STAGES = {"fit": ("train", "val"), "validate": ("val",), "test": ("test",), "predict": ("predict",)}

Transforms = list[nn.Module] | nn.Module | None
Bands = list[str | int | list[int]] | None


class ImageDataModule(pl.LightningDataModule, ABC):
    """Datasets of images in folders, as batches that are normalised once they are on their device.

    A kind of data is one that says where its files are and how they are read: it states its own arguments, hands all
    others on to this class by name, and gives its source to `read_from`.

    Batches hold `image`, float32 `(B, C, H, W)` or `(B, C, T, H, W)`, normalised on the device, and `filename`, a list
    of paths. With `metadata` they also hold `temporal_coords`, float32 `(B, T, 2)`, the year and the day of the year (1
    to 366) of each time step, and `location_coords`, float32 `(B, 2)`, latitude and longitude in degrees, for the
    models that take them.

    Attributes:
        preprocessing: what is done to images before a model sees them. It is fitted by the first `setup`, or set before
            that to what a model was trained with: then no statistics are computed, the bands are read by name in its
            order, and arguments that contradict it are an error.
        source: where the files are and how they are read.
        datasets: the datasets of the stages that were set up: `train`, `val`, `test` and `predict`.
        file_sizes: the images of each stage by the size of their file, where `check_stackability` has them looked at.

    Args:
        batch_size: samples in a batch.
        num_workers: processes that read files; 0 reads in the process that trains.
        train_data_root: the folder of the images to train on.
        val_data_root: the folder of the images to validate on.
        test_data_root: the folder of the images to test on.
        predict_data_root: the folder of the images to predict, or one image.
        img_grep: a glob pattern for the images.
        means: the mean of each output band, after `constant_scale`: a list, the path of a text file or of the YAML file
            that `isthmus stats` writes, or `compute` for those of the samples to train on. Without means and stds
            images are not normalised.
        stds: the same for the standard deviations.
        dataset_bands: what the bands of a file are called, in its order.
        output_bands: the bands that become channels, in this order; all where None.
        predict_dataset_bands: `dataset_bands` for prediction, where the files differ.
        predict_output_bands: `output_bands` for prediction, where the names differ.
        constant_scale: what every pixel is multiplied by; 1, or what the model was trained with, where None.
        rgb_indices: the channels that are red, green and blue in pictures; found by name where None.
        train_transform: transforms of `torchvision.transforms.v2` for the samples to train on; what is known about an
            image moves with it.
        val_transform: the same for validation.
        test_transform: the same for testing and prediction.
        expand_temporal_dimension: whether a file holds several time steps of `dataset_bands`.
        temporal_channel_major: whether the file holds all time steps of its first band first, then those of the second;
            otherwise it holds all bands of the first time step first.
        metadata: when and where the images were taken: a CSV table with the columns `filename` and `date` (several of a
            time series separated by semicolons), or `lat` and `lon`, or all three; the word `georeference` for the
            middle of each file; or a list of both.
        no_data_replace: what missing pixels of an image become (nodata, NaN, infinite), in the units of the file. Where
            None they take the mean of their band, which is 0 after normalisation; without means they are an error.
        drop_last: leave out the last batch of an epoch of training if it is not full.
        pin_memory: copy batches into page-locked memory, which speeds up their way to a GPU.
        check_stackability: make sure before training, from the headers of the files, that all samples are of one size.
        prefetch_factor: batches that each worker reads ahead; torch's default where None.

    Raises:
        ArgumentError: arguments that contradict one another.
        BandError: an output band that is not among the dataset bands.
    """

    dataset_class: ClassVar[type[ImageDataset]] = ImageDataset

    source: ImageSource

    def __init__(
        self,
        batch_size: int,
        num_workers: int,
        *,
        train_data_root: str | Path | None = None,
        val_data_root: str | Path | None = None,
        test_data_root: str | Path | None = None,
        predict_data_root: str | Path | None = None,
        img_grep: str = "*",
        means: list[float] | str | Path | None = None,
        stds: list[float] | str | Path | None = None,
        dataset_bands: Bands = None,
        output_bands: Bands = None,
        predict_dataset_bands: Bands = None,
        predict_output_bands: Bands = None,
        constant_scale: float | None = None,
        rgb_indices: list[int] | None = None,
        train_transform: Transforms = None,
        val_transform: Transforms = None,
        test_transform: Transforms = None,
        expand_temporal_dimension: bool = False,
        temporal_channel_major: bool = False,
        metadata: str | Path | list[str] | None = None,
        no_data_replace: float | None = None,
        drop_last: bool = True,
        pin_memory: bool = False,
        check_stackability: bool = True,
        prefetch_factor: int | None = None,
    ) -> None:
        super().__init__()
        if batch_size < 1:
            raise ArgumentError(f"batch_size is {batch_size}; at least 1 was expected", argument="batch_size")
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.means, self.stds = means, stds
        self.rgb_indices = rgb_indices
        self.transforms = {"train": train_transform, "val": val_transform, "test": test_transform}
        self.no_data_replace = no_data_replace
        self.drop_last = drop_last
        self.pin_memory = pin_memory
        self.check_stackability = check_stackability
        self.prefetch_factor = prefetch_factor
        self.aug: Normalize | None = None
        self.datasets: dict[str, ImageDataset] = {}
        self.file_sizes: dict[str, dict[Size, list[Path]]] = {}
        self._preprocessing: Preprocessing | None = None

    def read_from(self, source: ImageSource) -> None:
        """Take a source.

        Raises:
            ArgumentError: its bands contradict one another, which is told now, not when the first file is read.
            BandError: an output band that is not among the dataset bands.
        """
        source.images()
        self.source = source

    @property
    def preprocessing(self) -> Preprocessing | None:
        """What is done to images before a model sees them; None until it was fitted or set."""
        return self._preprocessing

    @preprocessing.setter
    def preprocessing(self, preprocessing: Preprocessing | None) -> None:
        """Do what a model was trained with; datasets that were set up before are made again."""
        self._preprocessing, self.aug = preprocessing, None
        self._make_datasets(list(self.datasets))

    def setup(self, stage: str) -> None:
        """Find the files of a stage, `fit`, `validate`, `test` or `predict`, and the preprocessing.

        Raises:
            DataError: files are missing, do not pair, or cannot be joined into batches; the message names them.
            ArgumentError: arguments that contradict the preprocessing.
        """
        wanted = _STAGES[stage]
        if not self.source.has(wanted[0]):
            self.source.samples(wanted[0])  # says which folder is missing
        self._make_datasets([name for name in wanted if name not in self.datasets and self.source.has(name)])

    def _make_datasets(self, names: Sequence[str]) -> None:
        known, given = self._preprocessing, (self.source, self.means, self.stds, self.no_data_replace)
        if names and self.aug is None:
            self._preprocessing = fit_preprocessing(*given) if known is None else hold_preprocessing(known, *given)
            self.aug = Normalize(self._preprocessing)
        for name in names:
            self.datasets[name] = self._checked_dataset(name, self._preprocessing or Preprocessing({}))

    def _checked_dataset(self, name: str, prepared: Preprocessing) -> ImageDataset:
        """Make the dataset of a stage and make sure, as far as headers tell, that its samples can be used."""
        fill = {modality: scaling.fill for modality, scaling in prepared.modalities.items()}
        readers = readers_under(prepared, self.source.readers(name))
        key = "test" if name == "predict" else name
        dataset = self.dataset_class(self.source.samples(name), readers, fill, self.transforms[key], self.rgb_indices)
        if self.check_stackability:
            self.file_sizes[name] = check_stackable(dataset, self.batch_size, f"{key}_transform")
        return dataset

    @property
    def image_size(self) -> Size | None:
        """Height and width of the files of all stages set up so far, before transforms; None where they differ."""
        sizes = {size for of_stage in self.file_sizes.values() for size in of_stage}
        return sizes.pop() if len(sizes) == 1 else None

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
        training, dataset = name == "train", self._dataset(name)
        return make_loader(
            dataset,
            self.batch_size,
            shuffle=training,
            num_workers=self.num_workers,
            drop_last=self.drop_last and training,
            pin_memory=self.pin_memory,
            prefetch_factor=self.prefetch_factor,
            collate_fn=dataset.collate,
        )

    def on_after_batch_transfer(self, batch: dict[str, Any], dataloader_idx: int) -> dict[str, Any]:
        """Normalise a batch that has arrived on its device."""
        return batch if self.aug is None else self.aug(batch)
