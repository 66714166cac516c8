"""Batches of images with a class per pixel, from folders."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from torch import nn

from isthmus.datamodules.images import ImageDataModule
from isthmus.datasets.image_dataset import Transform
from isthmus.datasets.labels import LabelReader
from isthmus.datasets.segmentation import SegmentationDataset, check_class_names
from isthmus.datasets.source import PixelwiseSource
from isthmus.errors import DataError

Transforms = list[nn.Module] | nn.Module | None
Bands = list[str | int | list[int]] | None


class GenericNonGeoSegmentationDataModule(ImageDataModule):
    """Images and masks in folders, paired by name, for semantic segmentation.

    Batches hold `image`, float32 `(B, C, H, W)` or `(B, C, T, H, W)`, normalised on the device; `mask`, int64
    `(B, H, W)`; and `filename`, a list of paths. With `metadata` they also hold `temporal_coords`, float32 `(B, T, 2)`,
    the year and the day of the year (1 to 366) of each time step, and `location_coords`, float32 `(B, 2)`, latitude and
    longitude in degrees, for the models that take them.

    Args:
        batch_size: samples in a batch.
        num_workers: processes that read files; 0 reads in the process that trains.
        num_classes: how many classes there are; the labels are 0 to `num_classes - 1`.
        train_data_root: the folder of the images to train on.
        val_data_root: the folder of the images to validate on.
        test_data_root: the folder of the images to test on.
        predict_data_root: the folder of the images to predict, or one image.
        train_label_data_root: the folder of the masks to train on; that of the images where None.
        val_label_data_root: the folder of the masks to validate on; that of the images where None.
        test_label_data_root: the folder of the masks to test on; that of the images where None.
        train_split: a file with the samples to train on: a text file with one name per line, or a `.csv` with the
            columns `id` and `split`, of which the rows `train` are taken. All samples where None.
        val_split: the same for validation (`val`).
        test_split: the same for testing (`test`).
        img_grep: a glob pattern for the images.
        label_grep: a glob pattern for the masks.
        ignore_split_file_extensions: compare the names in split files without extensions.
        allow_substring_split_file: let an entry of a split file stand for every name that contains it as a whole:
            `img_1` for `img_1_merged.tif`, never for `img_10_merged.tif`.
        means: the mean of each output band, after `constant_scale`: a list, the path of a text file or of the YAML file
            that `isthmus stats` writes, or `compute` for those of the samples to train on. Without means and stds
            images are not normalised.
        stds: the same for the standard deviations.
        dataset_bands: what the bands of a file are called, in its order.
        output_bands: the bands that become channels, in this order; all where None.
        predict_dataset_bands: `dataset_bands` for prediction, where the files differ.
        predict_output_bands: `output_bands` for prediction, where the names differ.
        constant_scale: what every pixel is multiplied by.
        rgb_indices: the channels that are red, green and blue in pictures; found by name where None.
        train_transform: transforms of `torchvision.transforms.v2` for the samples to train on.
        val_transform: the same for validation.
        test_transform: the same for testing and prediction.
        expand_temporal_dimension: whether a file holds several time steps of `dataset_bands`.
        temporal_channel_major: whether the file holds all time steps of its first band first, then those of the second;
            otherwise it holds all bands of the first time step first.
        metadata: when and where the images were taken: a CSV table with the columns `filename` and `date` (several of a
            time series separated by semicolons), or `lat` and `lon`, or all three; the word `georeference` for the
            middle of each file; or a list of both.
        reduce_zero_label: whether 0 in a mask means "no label" and 1 the first class.
        no_data_replace: what missing pixels of an image become (nodata, NaN, infinite), in the units of the file. Where
            None they take the mean of their band, which is 0 after normalisation; without means they are an error.
        no_label_replace: what pixels of a mask without a label become; the `ignore_index` of the task. Where None they
            take `ignore_index`, and without that they are an error.
        ignore_index: a value in the masks that belongs to no class and stays as it is.
        class_names: a name for each class.
        drop_last: leave out the last batch of an epoch of training if it is not full.
        pin_memory: copy batches into page-locked memory, which speeds up their way to a GPU.
        check_stackability: make sure before training, from the headers of the files, that all samples are of one size.
        prefetch_factor: batches that each worker reads ahead; torch's default where None.

    Raises:
        ArgumentError: arguments that contradict one another.
        BandError: an output band that is not among the dataset bands.
    """

    def __init__(
        self,
        batch_size: int,
        num_workers: int,
        num_classes: int,
        train_data_root: str | Path | None = None,
        val_data_root: str | Path | None = None,
        test_data_root: str | Path | None = None,
        predict_data_root: str | Path | None = None,
        train_label_data_root: str | Path | None = None,
        val_label_data_root: str | Path | None = None,
        test_label_data_root: str | Path | None = None,
        train_split: str | Path | None = None,
        val_split: str | Path | None = None,
        test_split: str | Path | None = None,
        img_grep: str = "*",
        label_grep: str = "*",
        ignore_split_file_extensions: bool = True,
        allow_substring_split_file: bool = True,
        means: list[float] | str | Path | None = None,
        stds: list[float] | str | Path | None = None,
        dataset_bands: Bands = None,
        output_bands: Bands = None,
        predict_dataset_bands: Bands = None,
        predict_output_bands: Bands = None,
        constant_scale: float = 1.0,
        rgb_indices: list[int] | None = None,
        train_transform: Transforms = None,
        val_transform: Transforms = None,
        test_transform: Transforms = None,
        expand_temporal_dimension: bool = False,
        temporal_channel_major: bool = False,
        metadata: str | Path | list[str] | None = None,
        reduce_zero_label: bool = False,
        no_data_replace: float | None = None,
        no_label_replace: int | None = None,
        ignore_index: int | None = None,
        class_names: list[str] | None = None,
        drop_last: bool = True,
        pin_memory: bool = False,
        check_stackability: bool = True,
        prefetch_factor: int | None = None,
    ) -> None:
        arguments = dict(locals())
        super().__init__(
            PixelwiseSource.from_arguments(arguments),
            batch_size=batch_size,
            num_workers=num_workers,
            means=means,
            stds=stds,
            transforms={"train": train_transform, "val": val_transform, "test": test_transform},
            no_data_replace=no_data_replace,
            drop_last=drop_last,
            pin_memory=pin_memory,
            check_stackability=check_stackability,
            prefetch_factor=prefetch_factor,
        )
        self.num_classes = num_classes
        self.class_names = check_class_names(class_names, num_classes)
        self.rgb_indices = rgb_indices
        self.label_reader = LabelReader(num_classes, reduce_zero_label, no_label_replace, ignore_index)

    def make_dataset(
        self,
        stage: str,
        fill: float | Sequence[float] | None,
        transform: Transform | Sequence[Transform] | None,
    ) -> SegmentationDataset:
        """Make the dataset of `train`, `val`, `test` or `predict`; `fill` is what missing pixels become."""
        return SegmentationDataset(
            self.source.samples(stage),
            self.source.image_reader(stage),
            self.label_reader,
            self.class_names,
            fill,
            transform,
            self.rgb_indices,
            self.source.metadata_reader(),
        )

    def plot(self, sample: dict[str, Any], suptitle: str | None = None) -> Any:
        """Draw a sample; see `SegmentationDataset.plot`.

        Raises:
            DataError: no stage has been set up.
        """
        if not self.datasets:
            raise DataError('there is no dataset to draw with yet; call setup("fit"), or another stage, first')
        dataset = cast(SegmentationDataset, next(iter(self.datasets.values())))
        return dataset.plot(sample, suptitle)
