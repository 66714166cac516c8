"""Samples of an image with a class per pixel."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from isthmus.datasets.dataset import ImageDataset, Transform
from isthmus.datasets.labels import LabelReader, SegmentationSource
from isthmus.datasets.source import arguments_for


class SegmentationDataset(ImageDataset):
    """Images with a class per pixel; `mask` is int64 `(H, W)`.

    The arguments are those of `ImageDataset`; among the readers, `mask` is a `LabelReader`.
    """

    @property
    def label_reader(self) -> LabelReader:
        """How labels are read, and which values are classes."""
        return cast(LabelReader, self.readers["mask"])

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return self.label_reader.num_classes

    @property
    def class_names(self) -> list[str] | None:
        """A name for each class, where there are names."""
        names = self.label_reader.class_names
        return None if names is None else list(names)

    @property
    def segmentation_mask_files(self) -> list[str]:
        """The paths of the labels, in the order of the samples; empty where the samples have none."""
        return [str(sample.label) for sample in self.samples if sample.label is not None]

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
        split: a file that lists the samples to take.
        transform: one or several of `torchvision.transforms.v2`, or any callable that takes and gives a sample.
        no_data_replace: what missing pixels of an image become, in the units of the file; where None, a missing pixel
            is an error.
        rgb_indices: the channels that are red, green and blue in pictures; found by name where None.
        stage: `train`, `val` or `test`, which a split table is asked for, or `predict`, where there are no labels.
        reading: what else says which files there are and how they are read: `label_grep`, `dataset_bands`,
            `output_bands`, `constant_scale`, `class_names`, `reduce_zero_label`, `no_label_replace`, `ignore_index` and
            the like; see `isthmus.datamodules.GenericNonGeoSegmentationDataModule`.

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
        split: str | Path | None = None,
        transform: Transform | Sequence[Transform] | None = None,
        no_data_replace: float | None = None,
        rgb_indices: Sequence[int] | None = None,
        stage: str = "train",
        **reading: Any,
    ) -> None:
        said = arguments_for(stage, data_root, label_data_root, split)
        source = SegmentationSource(img_grep=image_grep, num_classes=num_classes, **said, **reading)
        super().__init__(*source.parts(stage, no_data_replace), transform, rgb_indices)
