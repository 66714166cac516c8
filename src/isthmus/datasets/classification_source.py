"""Images that have a class each: the part of the datamodule for classification without torch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.datasets.blame import blaming
from isthmus.datasets.class_labels import (
    SPLIT_COLUMN,
    ClassList,
    LabelledImage,
    at_any_depth,
    find_classes,
    read_folders,
    read_table,
)
from isthmus.datasets.pairing import Sample, find_images
from isthmus.datasets.readers import Arrays, Reader, Shape, TargetReader
from isthmus.datasets.source import SplitSource
from isthmus.datasets.splits import LABELLED_STAGES, check_split_names, take_split
from isthmus.errors import ArgumentError, IsthmusError, PairingError
from isthmus.specs import IMAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifiedImage(Sample):
    """An image with its class.

    Attributes:
        index: the class, from 0.
    """

    index: int


class ClassReader(TargetReader):
    """How the class of an image is read, as `label`, int64: from the sample itself, which holds it."""

    def read(self, sample: Sample, shape: Shape) -> Arrays:  # noqa: ARG002
        """The class of a sample, if it has one."""
        return {"label": np.array(sample.index)} if isinstance(sample, ClassifiedImage) else {}


@dataclass(frozen=True, kw_only=True)
class ClassificationSource(SplitSource):
    """Images in a folder for each class, or in a table that says the class of each, by stage.

    The attributes are arguments of `isthmus.datamodules.GenericNonGeoClassificationDataModule`, and explained there.
    """

    data_root: str | Path | None = None
    labels: str | Path | None = None
    split_column: str = SPLIT_COLUMN
    split_names: dict[str, str] | None = None
    num_classes: int | None = None
    class_names: Sequence[str] | None = None
    _read: dict[str, list[LabelledImage]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        check_split_names(self.split_names)
        for stage in LABELLED_STAGES if self.labels is not None else ():
            if getattr(self, f"{stage}_data_root") is not None:
                raise ArgumentError(
                    f"{stage}_data_root is given beside labels; the images of the table lie in data_root, and its "
                    f"column {self.split_column!r}, or {stage}_split, says which are for {stage}",
                    argument=f"{stage}_data_root",
                )

    def has(self, stage: str) -> bool:
        """Whether there are images for `stage`.

        Raises:
            DataError: the table is missing or cannot be used.
        """
        if getattr(self, f"{stage}_data_root") is not None:
            return True
        if stage == "predict":
            return False
        if getattr(self, f"{stage}_split") is not None:
            return self.labels is not None or self.data_root is not None
        wanted = (self.split_names or {}).get(stage, stage)
        return self.labels is not None and any(image.split == wanted for image in self._labelled(stage))

    def samples(self, stage: str) -> Sequence[Sample]:
        """The images of `train`, `val` or `test`, each a `ClassifiedImage`, or those of `predict`.

        Raises:
            ArgumentError: nothing is given for the stage, or arguments contradict each other.
            DataError: files are missing or cannot be used, a label is no class, or a class has no image to train on.
        """
        if stage == "predict":
            return self.unlabelled()
        classes = self.classes
        with blaming(self.blame(stage)):
            chosen = self._chosen(stage)
            samples = [ClassifiedImage(each.identifier, each.image, index=classes.index(each)) for each in chosen]
        if stage == "train":
            self._refuse_empty(classes, samples)
        return samples

    def unlabelled(self) -> list[Sample]:
        """The images to predict, at any depth.

        Raises:
            ArgumentError: no folder is given.
            PairingError: there are none.
        """
        with blaming("predict_data_root"):
            return find_images(self.root("predict"), at_any_depth(self.img_grep))

    def readers(self, stage: str = "train") -> dict[str, Reader]:
        """Everything that is read of a sample; nothing but the images where they are to be predicted."""
        return {**super().readers(stage), **({} if stage == "predict" else {"label": ClassReader()})}

    def told(self) -> dict[str, Any]:
        """The classes, where the files tell them; their names, where they have any."""
        try:
            classes = self.classes
        except (IsthmusError, OSError):
            return {}
        named = {} if classes.names is None else {"class_names": list(classes.names)}
        return {"num_classes": classes.count, **named}

    def blame(self, stage: str, part: str = IMAGE) -> str:
        """The argument to blame for a part of the samples of a stage that cannot be used."""
        if part == "label" or (part == IMAGE and stage != "predict"):
            own = getattr(self, f"{stage}_data_root") is not None or self.labels is self.data_root is None
            return f"{stage}_data_root" if own else "data_root" if self.labels is None else "labels"
        return super().blame(stage, part)

    def root(self, stage: str) -> str | Path:
        """The folder of the images of a stage.

        Raises:
            ArgumentError: none is given.
        """
        own = getattr(self, f"{stage}_data_root")
        if own is None and stage != "predict" and self.data_root is not None:
            return self.data_root
        return super().root(stage)

    @property
    def classes(self) -> ClassList:
        """The classes; where they have no names, those of the table, or of the folders to train on.

        Raises:
            ArgumentError: arguments contradict each other.
            DataError: files are missing or cannot be used.
        """
        labels: set[str] = set()
        if self.class_names is None:
            stage = next(filter(self.has, LABELLED_STAGES), "train")
            with blaming(self.blame(stage)):
                labels = {image.label for image in self._labelled(stage)}
        return find_classes(labels, self.class_names, self.num_classes, numbered=self.labels is not None)

    def _labelled(self, stage: str) -> list[LabelledImage]:
        """Every image of the table, or of the folders of a stage; read once."""
        table = None if self.labels is None else Path(self.labels)
        root = Path(self.root(stage)) if table is None else Path(self.data_root or table.parent)
        if str(root) not in self._read:
            if table is None:
                self._read[str(root)] = read_folders(root, self.img_grep)
            else:
                with blaming("labels"):
                    self._read[str(root)] = read_table(table, root, self.img_grep, self.split_column)
        return self._read[str(root)]

    def _chosen(self, stage: str) -> list[LabelledImage]:
        images = self._labelled(stage)
        with blaming("split", f"{stage}_"):
            split = self.split(stage)
            if split is not None:
                named = {each.identifier: each for each in images}
                names = {key: (key, each.image.name) for key, each in named.items()}
                return [named[key] for key in split.select(names)]
        if any(image.split is not None for image in images):
            return take_split(images, stage, self.split_names, Path(str(self.labels)))
        if getattr(self, f"{stage}_data_root") is None:
            raise ArgumentError(
                f"nothing says which images of {self.labels or self.data_root} are for {stage}; give {stage}_split"
                + (f", or the table a column {self.split_column!r}" if self.labels else f" or {stage}_data_root"),
                argument=f"{stage}_split",
            )
        return images

    def _refuse_empty(self, classes: ClassList, samples: Sequence[ClassifiedImage]) -> None:
        """Refuse classes that nothing could be learnt of."""
        seen = {sample.index for sample in samples}
        empty = [classes.called(index) for index in range(classes.count) if index not in seen]
        if empty:
            given = [name for name in ("class_names", "num_classes") if getattr(self, name) is not None]
            raise PairingError(
                f"no image to train on is of the class {', '.join(empty)}",
                argument=given[0] if given else self.blame("train"),
            )
