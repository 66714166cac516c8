"""Samples of an image with quantities per pixel."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from isthmus.datasets.dataset import ImageDataset, Transform
from isthmus.datasets.quantities import RegressionSource
from isthmus.datasets.source import arguments_for


class PixelwiseRegressionDataset(ImageDataset):
    """Images with quantities per pixel; `mask` is float32, `(H, W)` of a single one or `(Q, H, W)`.

    The arguments are those of `ImageDataset`; among the readers, `mask` is a `QuantityReader`.
    """

    @property
    def segmentation_mask_files(self) -> list[str]:
        """The paths of the labels, in the order of the samples; empty where the samples have none."""
        return [str(sample.label) for sample in self.samples if sample.label is not None]

    def plot(self, sample: dict[str, Any], suptitle: str | None = None, show_axes: bool = False) -> Any:
        """Draw the image of a sample, its label and, under the key `prediction`, a prediction, in one scale.

        Returns:
            The figure of matplotlib; None for an image with time steps.
        """
        from isthmus.datasets.plot import plot_values

        return plot_values(sample, self.rgb_indices, suptitle, show_axes=show_axes)


class GenericNonGeoPixelwiseRegressionDataset(PixelwiseRegressionDataset):
    """Images with quantities per pixel, from folders.

    Args:
        data_root: the folder of the images.
        label_data_root: the folder of the labels; `data_root` where None.
        image_grep: a glob pattern for the images.
        split: a file that lists the samples to take.
        transform: one or several of `torchvision.transforms.v2`, or any callable that takes and gives a sample.
        no_data_replace: what missing pixels of an image become, in the units of the file; where None, a missing pixel
            is an error.
        rgb_indices: the channels that are red, green and blue in pictures; found by name where None.
        stage: `train`, `val` or `test`, which a split table is asked for, or `predict`, where there are no labels.
        reading: what else says which files there are and how they are read: `label_grep`, `label_bands`,
            `dataset_bands`, `output_bands`, `constant_scale`, `no_label_replace`, `ignore_index` and the like; see
            `isthmus.datamodules.GenericNonGeoPixelwiseRegressionDataModule`.

    Raises:
        DataError: files are missing or do not pair, or a band is not there.
        ArgumentError: arguments that contradict one another.
    """

    def __init__(
        self,
        data_root: str | Path,
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
        source = RegressionSource(img_grep=image_grep, **said, **reading)
        super().__init__(*source.parts(stage, no_data_replace), transform, rgb_indices)
