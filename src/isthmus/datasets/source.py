"""Where the files of a data set lie and how they are read: the part of a datamodule that needs no torch."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from isthmus.datasets.bands import BandList, BandSelection, select_bands
from isthmus.datasets.images import ImageReader
from isthmus.datasets.labels import LabelReader
from isthmus.datasets.metadata import Metadata
from isthmus.datasets.pairing import Sample, find_images, find_samples
from isthmus.datasets.splits import read_split
from isthmus.errors import ArgumentError

LABELLED_STAGES = ("train", "val", "test")
"""The stages whose samples have labels, as the arguments of a datamodule call them."""


_Source = TypeVar("_Source", bound="ImageSource")


@dataclass(frozen=True, kw_only=True)
class ImageSource(ABC):
    """Images in folders, by stage, and which of their bands are read.

    The attributes are arguments of the datamodules, and explained there.
    """

    predict_data_root: str | Path | None = None
    img_grep: str = "*"
    dataset_bands: BandList | None = None
    output_bands: BandList | None = None
    predict_dataset_bands: BandList | None = None
    predict_output_bands: BandList | None = None
    constant_scale: float = 1.0
    expand_temporal_dimension: bool = False
    temporal_channel_major: bool = False
    metadata: str | Path | Sequence[str | Path] | None = None

    @classmethod
    def from_arguments(cls: "type[_Source]", arguments: Mapping[str, Any]) -> "_Source":
        """Take from the arguments of a datamodule those that say which files there are and how they are read."""
        names = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in arguments.items() if name in names})

    @abstractmethod
    def has(self, stage: str) -> bool:
        """Whether there are images for `stage`."""

    @abstractmethod
    def samples(self, stage: str) -> Sequence[Sample]:
        """The samples of a stage: `train`, `val`, `test`, or `predict`, which has no labels."""

    def bands(self, stage: str = "train") -> BandSelection:
        """The bands of the files of a stage and those that become channels.

        Raises:
            ArgumentError: the lists of bands contradict one another.
            BandError: an output band that is not among the dataset bands.
        """
        dataset_bands, output_bands = self.dataset_bands, self.output_bands
        keys = ["dataset_bands", "output_bands"]
        if stage == "predict" and self.predict_dataset_bands is not None:
            dataset_bands, keys[0] = self.predict_dataset_bands, "predict_dataset_bands"
        if stage == "predict" and self.predict_output_bands is not None:
            output_bands, keys[1] = self.predict_output_bands, "predict_output_bands"
        return select_bands(
            dataset_bands,
            output_bands,
            temporal=self.expand_temporal_dimension,
            channel_major=self.temporal_channel_major,
            keys=(keys[0], keys[1]),
        )

    def metadata_reader(self) -> Metadata | None:
        """When and where the images were taken; None where nobody asks for it."""
        if self.metadata is None:
            return None
        return Metadata((self.metadata,) if isinstance(self.metadata, str | Path) else tuple(self.metadata))

    def image_reader(self, stage: str = "train") -> ImageReader:
        """How the images of a stage are read."""
        return ImageReader(self.bands(stage), self.constant_scale)


@dataclass(frozen=True, kw_only=True)
class PixelwiseSource(ImageSource):
    """Images and labels in folders, by stage.

    The attributes are arguments of the datamodules, and explained there.
    """

    train_data_root: str | Path | None = None
    val_data_root: str | Path | None = None
    test_data_root: str | Path | None = None
    train_label_data_root: str | Path | None = None
    val_label_data_root: str | Path | None = None
    test_label_data_root: str | Path | None = None
    train_split: str | Path | None = None
    val_split: str | Path | None = None
    test_split: str | Path | None = None
    label_grep: str = "*"
    ignore_split_file_extensions: bool = True
    allow_substring_split_file: bool = True

    def has(self, stage: str) -> bool:
        """Whether a folder is given for the images of `stage`."""
        return getattr(self, f"{stage}_data_root") is not None

    def samples(self, stage: str) -> list[Sample]:
        """The samples of a stage: `train`, `val`, `test`, or `predict`, which has no labels.

        Raises:
            ArgumentError: no folder is given for the stage.
            PairingError: files are missing or do not pair.
        """
        root = getattr(self, f"{stage}_data_root")
        if root is None:
            raise ArgumentError(
                f"{stage}_data_root is not given; the folder with the images for {stage!r} was expected"
            )
        if stage == "predict":
            return find_images(root, self.img_grep)
        label_root = getattr(self, f"{stage}_label_data_root")
        split_file = getattr(self, f"{stage}_split")
        split = None
        if split_file is not None:
            split = read_split(
                split_file,
                stage,
                ignore_extensions=self.ignore_split_file_extensions,
                allow_substring=self.allow_substring_split_file,
            )
        return find_samples(root, self.img_grep, root if label_root is None else label_root, self.label_grep, split)


def label_reader(arguments: Mapping[str, Any]) -> LabelReader:
    """How labels are read, from the arguments of a datamodule for segmentation."""
    return LabelReader(
        arguments["num_classes"],
        arguments.get("reduce_zero_label", False),
        arguments.get("no_label_replace"),
        arguments.get("ignore_index"),
    )
