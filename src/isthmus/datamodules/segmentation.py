"""Batches of images with a class per pixel, from folders."""

from typing import Any, ClassVar, cast

from isthmus.datamodules.pixelwise import PixelwiseDataModule
from isthmus.datasets.dataset import ImageDataset
from isthmus.datasets.labels import SegmentationSource
from isthmus.datasets.segmentation import SegmentationDataset
from isthmus.errors import DataError


class GenericNonGeoSegmentationDataModule(PixelwiseDataModule):
    """Images and masks in folders, paired by name, for semantic segmentation.

    Batches also hold `mask`, int64 `(B, H, W)`. The arguments that are not named here are those of
    `PixelwiseDataModule` and `ImageDataModule`.

    Args:
        batch_size: samples in a batch.
        num_workers: processes that read files; 0 reads in the process that trains.
        num_classes: how many classes there are; the labels are 0 to `num_classes - 1`.
        reduce_zero_label: whether 0 in a mask means "no label" and 1 the first class.
        no_label_replace: what pixels of a mask without a label become; the `ignore_index` of the task. Where None they
            take `ignore_index`, and without that they are an error.
        ignore_index: a value in the masks that belongs to no class and stays as it is.
        class_names: a name for each class.
    """

    dataset_class: ClassVar[type[ImageDataset]] = SegmentationDataset

    def __init__(
        self,
        batch_size: int,
        num_workers: int,
        num_classes: int,
        *,
        reduce_zero_label: bool = False,
        no_label_replace: int | None = None,
        ignore_index: int | None = None,
        class_names: list[str] | None = None,
        **shared: Any,
    ) -> None:
        own = dict(locals())
        super().__init__(batch_size, num_workers, **shared)
        source = SegmentationSource.from_arguments({**own, **shared})
        self.read_from(source)
        self.label_reader = source.label_reader()
        self.num_classes = num_classes
        self.class_names = class_names

    def plot(self, sample: dict[str, Any], suptitle: str | None = None) -> Any:
        """Draw a sample; see `SegmentationDataset.plot`.

        Raises:
            DataError: no stage has been set up.
        """
        if not self.datasets:
            raise DataError('there is no dataset to draw with yet; call setup("fit"), or another stage, first')
        dataset = cast(SegmentationDataset, next(iter(self.datasets.values())))
        return dataset.plot(sample, suptitle)
