"""Where the files of a data set lie and how they are read: the part of a datamodule that needs no torch."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from isthmus.datasets.bands import BandList, BandSelection, select_bands
from isthmus.datasets.blame import blaming
from isthmus.datasets.metadata import Metadata
from isthmus.datasets.pairing import Sample, find_images, find_samples
from isthmus.datasets.readers import ImageReader, Reader
from isthmus.datasets.splits import Split, read_split
from isthmus.errors import ArgumentError, Fault, IsthmusError
from isthmus.rasters.header import read_info
from isthmus.specs import IMAGE

_Source = TypeVar("_Source", bound="ImageSource")


@dataclass(frozen=True, kw_only=True)
class ImageSource(ABC):
    """Images in folders, by stage, and which of their bands are read.

    A kind of data is a source: which samples there are, and the readers that read them. The attributes are arguments of
    the datamodules, and explained there.
    """

    train_data_root: str | Path | None = None
    val_data_root: str | Path | None = None
    test_data_root: str | Path | None = None
    predict_data_root: str | Path | None = None
    img_grep: str = "*"
    dataset_bands: BandList | None = None
    output_bands: BandList | None = None
    predict_dataset_bands: BandList | None = None
    predict_output_bands: BandList | None = None
    constant_scale: float | None = None
    expand_temporal_dimension: bool = False
    temporal_channel_major: bool = False
    metadata: str | Path | Sequence[str | Path] | None = None

    @classmethod
    def from_arguments(cls: "type[_Source]", arguments: Mapping[str, Any]) -> "_Source":
        """Take from the arguments of a datamodule those that say which files there are and how they are read.

        Raises:
            ArgumentError: one that no file is needed to refuse.
        """
        names = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in arguments.items() if name in names})

    @classmethod
    def check(cls, init_args: Mapping[str, Any], stages: Sequence[str] | None = None) -> list[Fault]:
        """Check the arguments of a datamodule against the files that they name, in a few seconds.

        Checked are the arguments against one another; folders, split files and pairs; the header of every file, for its
        bands and size and for whether it is all there; and what the files of labels hold, of at most 300 files and for
        at most two seconds a stage (a line in the log says how many).

        Args:
            init_args: the arguments as a configuration gives them.
            stages: which of `train`, `val`, `test` and `predict` are needed, `val` beside `train` only where there is
                one; where None, those that have files.

        Returns:
            What is wrong, with keys relative to `init_args`; empty where nothing is.
        """
        from isthmus.datasets.checks import check_data

        try:
            source = cls.from_arguments(init_args)
        except ArgumentError as error:
            return [Fault(error.argument or "", str(error))]
        return check_data(source, init_args, stages)

    def has(self, stage: str) -> bool:
        """Whether there are samples for `train`, `val`, `test` or `predict`."""
        return getattr(self, f"{stage}_data_root") is not None

    @abstractmethod
    def samples(self, stage: str) -> Sequence[Sample]:
        """The samples of a stage: `train`, `val`, `test`, or `predict`, for which nothing is known but the images."""

    def images(self, stage: str = "train") -> dict[str, ImageReader]:
        """How the images of a stage are read, by modality; no file is opened to say so."""
        return {IMAGE: ImageReader(self.bands(stage), self.constant_scale)}

    def readers(self, stage: str = "train") -> dict[str, Reader]:
        """Everything that is read of a sample, by name.

        Raises:
            ArgumentError: arguments that contradict one another.
        """
        readers: dict[str, Reader] = {**self.images(stage)}
        if self.metadata is not None:
            given = self.metadata
            readers["metadata"] = Metadata((given,) if isinstance(given, str | Path) else tuple(given))
        return readers

    def parts(
        self, stage: str, no_data_replace: float | None = None
    ) -> tuple[Sequence[Sample], dict[str, Reader], dict[str, float | None]]:
        """What the dataset of a stage is made of: samples, readers, and what missing pixels become by modality.

        Args:
            stage: `train`, `val`, `test` or `predict`.
            no_data_replace: what missing pixels become, in the units of the file; None where none may be missing.
        """
        fill = {name: reader.scaled(no_data_replace) for name, reader in self.images(stage).items()}
        return self.samples(stage), self.readers(stage), fill

    def told(self) -> dict[str, Any]:
        """What only the files know and others must agree with, under the names that tasks give it; as far as known."""
        return {}

    def blame(self, stage: str, part: str = IMAGE) -> str:
        """The argument to blame for a part of the samples of a stage that cannot be used."""
        return "metadata" if part == "metadata" else f"{stage}_data_root"

    def bands(self, stage: str = "train") -> BandSelection:
        """The bands of the files of a stage and those that become channels.

        Raises:
            ArgumentError: the lists of bands contradict one another.
            BandError: an output band that is not among the dataset bands.
        """
        dataset_key, output_key = (
            f"predict_{key}" if stage == "predict" and getattr(self, f"predict_{key}") is not None else key
            for key in ("dataset_bands", "output_bands")
        )
        return select_bands(
            getattr(self, dataset_key),
            getattr(self, output_key),
            temporal=self.expand_temporal_dimension,
            channel_major=self.temporal_channel_major,
            keys=(dataset_key, output_key),
        )

    def time_steps(self, stage: str) -> int | None:
        """The time steps in the first file of a stage; None where it cannot be told, which is a fault of its own."""
        try:
            if not self.has(stage):
                return None
            first = self.samples(stage)[0].image
            return self.bands(stage).time_steps(read_info(first, georeference=False).count, first)
        except (IsthmusError, IndexError):
            return None

    def root(self, stage: str) -> str | Path:
        """The folder of the images of a stage.

        Raises:
            ArgumentError: none is given.
        """
        root: str | Path | None = getattr(self, f"{stage}_data_root")
        if root is None:
            raise ArgumentError(
                f"{stage}_data_root is not given; the folder with the images for {stage!r} was expected",
                argument=f"{stage}_data_root",
            )
        return root

    def unlabelled(self) -> list[Sample]:
        """The images to predict.

        Raises:
            ArgumentError: no folder is given.
            PairingError: there are none.
        """
        with blaming("predict_data_root"):
            return find_images(self.root("predict"), self.img_grep)


@dataclass(frozen=True, kw_only=True)
class SplitSource(ImageSource):
    """Images in folders, of which a split file may say for each stage which are taken.

    The attributes are arguments of the datamodules, and explained there.
    """

    train_split: str | Path | None = None
    val_split: str | Path | None = None
    test_split: str | Path | None = None
    ignore_split_file_extensions: bool = True
    allow_substring_split_file: bool = True

    def split(self, stage: str) -> Split | None:
        """Which samples are taken for a stage; None where all are.

        Raises:
            PairingError: the split file cannot be read, or has no entries.
        """
        path = getattr(self, f"{stage}_split")
        if path is None:
            return None
        return read_split(
            path,
            stage,
            ignore_extensions=self.ignore_split_file_extensions,
            allow_substring=self.allow_substring_split_file,
        )


@dataclass(frozen=True, kw_only=True)
class PixelwiseSource(SplitSource):
    """Images and labels in folders, by stage, paired by name.

    The attributes are arguments of the datamodules, and explained there. How labels are read is said by the sources of
    the kinds of labels; this one leaves them.
    """

    train_label_data_root: str | Path | None = None
    val_label_data_root: str | Path | None = None
    test_label_data_root: str | Path | None = None
    label_grep: str = "*"

    @property
    def labels_in_images(self) -> bool:
        """Whether labels may be bands of the files of the images, which are then found by one and the same pattern."""
        return False

    def samples(self, stage: str) -> list[Sample]:
        """The samples of a stage: `train`, `val`, `test`, or `predict`, which has no labels.

        Raises:
            ArgumentError: no folder is given for the stage.
            PairingError: files are missing or do not pair.
        """
        if stage == "predict":
            return self.unlabelled()
        root, label_root = self.root(stage), getattr(self, f"{stage}_label_data_root")
        with blaming("data_root", f"{stage}_"):
            split = self.split(stage)
            label_root = root if label_root is None else label_root
            return find_samples(
                root, self.img_grep, label_root, self.label_grep, split, labels_in_images=self.labels_in_images
            )


def arguments_for(
    stage: str, data_root: str | Path, label_data_root: str | Path | None, split: str | Path | None
) -> dict[str, Any]:
    """The arguments that say where the files of a stage are, as a source calls them; to predict there are no labels."""
    if stage == "predict":
        return {"predict_data_root": data_root}
    given = {"data_root": data_root, "label_data_root": label_data_root, "split": split}
    return {f"{stage}_{name}": value for name, value in given.items()}
