# ruff: noqa: ARG002  (what says which files there are is taken by the sources of the subclasses)
"""Batches of images with a value for every pixel, from folders."""

from pathlib import Path
from typing import Any

from isthmus.datamodules.images import ImageDataModule


class PixelwiseDataModule(ImageDataModule):
    """Images and masks in folders, paired by name.

    Batches also hold `mask`, `(B, H, W)`. The arguments that are not named here are those of `ImageDataModule`.

    Args:
        train_label_data_root: the folder of the masks to train on; that of the images where None.
        val_label_data_root: the folder of the masks to validate on; that of the images where None.
        test_label_data_root: the folder of the masks to test on; that of the images where None.
        train_split: a file with the samples to train on: a text file with one name per line, or a `.csv` with the
            columns `id` and `split`, of which the rows `train` are taken. All samples where None.
        val_split: the same for validation (`val`).
        test_split: the same for testing (`test`).
        label_grep: a glob pattern for the masks.
        ignore_split_file_extensions: compare the names in split files without extensions.
        allow_substring_split_file: let an entry of a split file stand for every name that contains it as a whole:
            `img_1` for `img_1_merged.tif`, never for `img_10_merged.tif`.
    """

    def __init__(
        self,
        batch_size: int,
        num_workers: int,
        *,
        train_label_data_root: str | Path | None = None,
        val_label_data_root: str | Path | None = None,
        test_label_data_root: str | Path | None = None,
        train_split: str | Path | None = None,
        val_split: str | Path | None = None,
        test_split: str | Path | None = None,
        label_grep: str = "*",
        ignore_split_file_extensions: bool = True,
        allow_substring_split_file: bool = True,
        **shared: Any,
    ) -> None:
        super().__init__(batch_size, num_workers, **shared)
