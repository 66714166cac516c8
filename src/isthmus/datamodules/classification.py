"""Batches of images with a class each."""

from pathlib import Path
from typing import Any

from isthmus.datamodules.images import ImageDataModule
from isthmus.datasets.classification_source import ClassificationSource


class GenericNonGeoClassificationDataModule(ImageDataModule):
    """Images with a class each, in a folder for each class or in a table that says the class of each.

    Batches also hold `label`, int64 `(B,)`. To predict there are no labels. The arguments that are not named here are
    those of `ImageDataModule`; `img_grep` reaches folders below.

    Folders: `train_data_root` and its siblings hold a folder for each class, which is called after it; the folders to
    train on, sorted, are the classes. One folder for all stages is `data_root`, with a split file for each.

    A table: `labels` is a CSV with the columns `image` (or `file`, `filename`, `id`) and `label` (or `class`), the name
    or the number of a class, and perhaps `split`. All of its labels, sorted, are the classes. Every image beside those
    that it names must have a row.

    Args:
        batch_size: samples in a batch.
        num_workers: processes that read files; 0 reads in the process that trains.
        num_classes: how many classes there are, where that is to be made sure, or the numbers in the table do not tell.
        class_names: the classes, in the order of the labels in a batch; what is none of them is an error.
        data_root: the folder of the images of all stages; of a table its own folder where None.
        labels: the table.
        train_split: a file with the samples to train on: a text file with one name per line, or a `.csv` with the
            columns `id` and `split`, of which the rows `train` are taken. Where None, those that the table puts there,
            or all of `train_data_root`.
        val_split: the same for validation (`val`).
        test_split: the same for testing (`test`).
        split_column: the column of the table that holds the split.
        split_names: what its splits are called where that is not `train`, `val` and `test`, as in `{val: validation}`.
        ignore_split_file_extensions: compare the names in split files without extensions.
        allow_substring_split_file: let an entry of a split file stand for every name that contains it as a whole.
    """

    source: ClassificationSource

    def __init__(
        self,
        batch_size: int,
        num_workers: int,
        num_classes: int | None = None,
        *,
        class_names: list[str] | None = None,
        data_root: str | Path | None = None,
        labels: str | Path | None = None,
        train_split: str | Path | None = None,
        val_split: str | Path | None = None,
        test_split: str | Path | None = None,
        split_column: str = "split",
        split_names: dict[str, str] | None = None,
        ignore_split_file_extensions: bool = True,
        allow_substring_split_file: bool = True,
        **shared: Any,
    ) -> None:
        own = dict(locals())
        super().__init__(batch_size, num_workers, **shared)
        self.read_from(ClassificationSource.from_arguments({**own, **shared}))

    @property
    def class_names(self) -> list[str]:
        """The classes, in the order of their labels; their numbers where they have no names.

        Raises:
            ArgumentError: arguments contradict each other.
            DataError: files are missing or cannot be used.
        """
        classes = self.source.classes
        return [classes.called(index) for index in range(classes.count)]

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return self.source.classes.count
