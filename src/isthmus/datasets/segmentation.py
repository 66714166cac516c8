"""Samples of an image with a class per pixel."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.datasets.bands import BandList
from isthmus.datasets.image_dataset import Transform
from isthmus.datasets.images import ImageReader
from isthmus.datasets.labels import LabelReader
from isthmus.datasets.metadata import Metadata
from isthmus.datasets.pairing import Sample
from isthmus.datasets.pixelwise import PixelwiseDataset
from isthmus.datasets.source import PixelwiseSource
from isthmus.errors import ArgumentError


class SegmentationDataset(PixelwiseDataset):
    """Images with a class per pixel; `mask` is int64 `(H, W)`.

    Args:
        samples: the files.
        image_reader: how images are read.
        label_reader: how labels are read, and which values are classes.
        class_names: a name for each class.
        no_data_replace: see `ImageDataset`.
        transform: one or several of `torchvision.transforms.v2`, or any callable that takes and gives a sample.
        rgb_indices: see `ImageDataset`.
        metadata: see `ImageDataset`.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        image_reader: ImageReader,
        label_reader: LabelReader,
        class_names: Sequence[str] | None = None,
        no_data_replace: float | Sequence[float] | None = None,
        transform: Transform | Sequence[Transform] | None = None,
        rgb_indices: Sequence[int] | None = None,
        metadata: Metadata | None = None,
    ) -> None:
        transform = _for_samples(transform, label_reader)
        super().__init__(samples, image_reader, no_data_replace, transform, rgb_indices, metadata)
        self.label_reader = label_reader
        self.num_classes = label_reader.num_classes
        self.class_names = check_class_names(class_names, self.num_classes)

    @property
    def segmentation_mask_files(self) -> list[str]:
        """The paths of the labels, in the order of the samples; empty where the samples have none."""
        return [str(sample.label) for sample in self.samples if sample.label is not None]

    def read_mask(self, path: Path) -> npt.NDArray[np.int64]:
        """Read a label, `(height, width)`."""
        return self.label_reader.read(path)

    def plot(self, sample: dict[str, Any], suptitle: str | None = None, show_axes: bool = False) -> Any:
        """Draw the image of a sample, its label and, under the key `prediction`, a prediction, side by side.

        Returns:
            The figure of matplotlib; None for an image with time steps.
        """
        from isthmus.datasets.plot import plot_segmentation

        names = self.class_names or [str(index) for index in range(self.num_classes)]
        return plot_segmentation(sample, self.rgb_indices, names, suptitle, show_axes=show_axes)


class GenericNonGeoSegmentationDataset(SegmentationDataset):
    """Images with a class per pixel, from folders.

    Args:
        data_root: the folder of the images.
        num_classes: how many classes there are.
        label_data_root: the folder of the labels; `data_root` where None.
        image_grep: a glob pattern for the images.
        label_grep: a glob pattern for the labels.
        split: a file that lists the samples to take.
        ignore_split_file_extensions: compare the names in it without their extensions.
        allow_substring_split_file: let an entry of it stand for every name that contains it as a whole.
        rgb_indices: the channels that are red, green and blue in pictures; found by name where None.
        dataset_bands: what the bands of a file are called, in its order.
        output_bands: which of them become channels, in this order; all where None.
        class_names: a name for each class.
        constant_scale: what every pixel is multiplied by.
        transform: one or several of `torchvision.transforms.v2`, or any callable that takes and gives a sample.
        no_data_replace: what missing pixels of an image become, in the units of the file; where None, a missing pixel
            is an error.
        no_label_replace: what pixels without a label become; where None, and without an `ignore_index`, they are an
            error.
        ignore_index: a value in the labels that belongs to no class and stays as it is.
        expand_temporal_dimension: whether a file holds several time steps of `dataset_bands`; images are then
            `(C, T, H, W)`.
        temporal_channel_major: whether all time steps of the first band come first in the file, then those of the
            second; otherwise all bands of the first time step come first.
        reduce_zero_label: whether 0 in a label means "no label" and 1 the first class.
        metadata: when and where the images were taken; see `isthmus.datamodules.GenericNonGeoSegmentationDataModule`.
        stage: `train`, `val` or `test`, which a split table is asked for, or `predict`, where there are no labels.

    Raises:
        DataError: files are missing or do not pair, or a band is not there.
        ArgumentError: arguments that contradict one another.
    """

    def __init__(
        self,
        data_root: str | Path,
        num_classes: int,
        label_data_root: str | Path | None = None,
        image_grep: str = "*",
        label_grep: str = "*",
        split: str | Path | None = None,
        ignore_split_file_extensions: bool = True,
        allow_substring_split_file: bool = True,
        rgb_indices: Sequence[int] | None = None,
        dataset_bands: BandList | None = None,
        output_bands: BandList | None = None,
        class_names: Sequence[str] | None = None,
        constant_scale: float = 1.0,
        transform: Transform | Sequence[Transform] | None = None,
        no_data_replace: float | None = None,
        no_label_replace: int | None = None,
        ignore_index: int | None = None,
        expand_temporal_dimension: bool = False,
        temporal_channel_major: bool = False,
        reduce_zero_label: bool = False,
        metadata: str | Path | Sequence[str | Path] | None = None,
        stage: str = "train",
    ) -> None:
        folders: dict[str, Any] = {f"{stage}_data_root": data_root}
        if stage != "predict":
            folders |= {f"{stage}_label_data_root": label_data_root, f"{stage}_split": split}
        source = PixelwiseSource(
            **folders,
            img_grep=image_grep,
            label_grep=label_grep,
            ignore_split_file_extensions=ignore_split_file_extensions,
            allow_substring_split_file=allow_substring_split_file,
            dataset_bands=dataset_bands,
            output_bands=output_bands,
            constant_scale=constant_scale,
            expand_temporal_dimension=expand_temporal_dimension,
            temporal_channel_major=temporal_channel_major,
            metadata=metadata,
        )
        super().__init__(
            source.samples(stage),
            source.image_reader(stage),
            LabelReader(num_classes, reduce_zero_label, no_label_replace, ignore_index),
            class_names,
            no_data_replace,
            transform,
            rgb_indices,
            source.metadata_reader(),
        )


def _for_samples(transform: Transform | Sequence[Transform] | None, labels: LabelReader) -> Transform | None:
    """Let transforms see image and label as such: a plain tensor would be augmented without its label."""
    if transform is None:
        return None
    from isthmus.transforms.sample import SampleTransform

    return transform if isinstance(transform, SampleTransform) else SampleTransform(transform, labels.fill)


def check_class_names(class_names: Sequence[str] | None, num_classes: int) -> list[str] | None:
    """The names as a list.

    Raises:
        ArgumentError: there are more or fewer than classes.
    """
    if class_names is not None and len(class_names) != num_classes:
        raise ArgumentError(
            f"class_names has {len(class_names)} name(s), but num_classes is {num_classes}: {list(class_names)}"
        )
    return None if class_names is None else list(class_names)
