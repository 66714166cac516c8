"""Batches of images with quantities per pixel, from folders."""

from typing import Any, ClassVar

from isthmus.datamodules.pixelwise import PixelwiseDataModule
from isthmus.datasets.dataset import ImageDataset
from isthmus.datasets.quantities import RegressionSource
from isthmus.datasets.regression import PixelwiseRegressionDataset


class GenericNonGeoPixelwiseRegressionDataModule(PixelwiseDataModule):
    """Images and maps of quantities in folders, paired by name, for regression.

    Batches also hold `mask`, float32, `(B, H, W)` of a single quantity or `(B, Q, H, W)`, NaN where there is no label.
    The arguments that are not named here are those of `PixelwiseDataModule` and `ImageDataModule`.

    Labels may be bands of the images themselves: then `label_bands` says which, the folder and the pattern of the
    labels are those of the images, and `output_bands` leaves them out.

    Args:
        batch_size: samples in a batch.
        num_workers: processes that read files; 0 reads in the process that trains.
        label_bands: the bands of a label file that hold the quantities, counted from 0; the first where None.
        no_label_replace: what pixels without a label become, the `ignore_index` of the task; NaN, which counts nowhere,
            where None.
        ignore_index: a value in the labels that stands for no label, where the files do not say so themselves.
    """

    dataset_class: ClassVar[type[ImageDataset]] = PixelwiseRegressionDataset

    def __init__(
        self,
        batch_size: int,
        num_workers: int,
        *,
        label_bands: list[int] | None = None,
        no_label_replace: float | None = None,
        ignore_index: float | None = None,
        **shared: Any,
    ) -> None:
        own = dict(locals())
        super().__init__(batch_size, num_workers, **shared)
        source = RegressionSource.from_arguments({**own, **shared})
        self.read_from(source)
        self.label_reader = source.label_reader()
