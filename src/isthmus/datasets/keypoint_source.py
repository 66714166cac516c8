"""Where images and keypoints lie and how they are read: the part of the datamodule for keypoints without torch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from isthmus.datasets.blame import blaming
from isthmus.datasets.keypoint_files.annotations import AnnotatedImage, KeypointAnnotations
from isthmus.datasets.keypoint_files.formats import check_format, read_annotations
from isthmus.datasets.keypoint_files.placing import points_inside, swap_order
from isthmus.datasets.locating import ImageFolder
from isthmus.datasets.pairing import Sample
from isthmus.datasets.readers import Arrays, Reader, Shape, TargetReader
from isthmus.datasets.source import ImageSource
from isthmus.datasets.splits import LABELLED_STAGES, check_split_names, take_split
from isthmus.datasets.tables import Table, read_rows
from isthmus.errors import ArgumentError, DataError, IsthmusError, PairingError
from isthmus.specs import IMAGE

if TYPE_CHECKING:
    from isthmus.transforms.keypoints import MovingPoints


@dataclass(frozen=True)
class PointReader(TargetReader):
    """How keypoints are read, as `keypoints`, float32 `(N, K, 2)`: from the sample itself, which holds them.

    Attributes:
        point_names: the names of the K points.
        swap_pairs: pairs of points, by name, that change places where a transform mirrors the image.

    Raises:
        ArgumentError: `swap_pairs` names a point that is not there, or one twice.
    """

    point_names: Sequence[str]
    swap_pairs: Sequence[Sequence[str]] = ()

    ragged: ClassVar[tuple[str, ...]] = ("keypoints",)

    def __post_init__(self) -> None:
        swap_order(self.point_names, self.swap_pairs)

    def fits(self, sample: Sample, shape: Shape) -> None:
        """Make sure that every point lies in the image.

        Raises:
            LabelError: one does not.
        """
        self.read(sample, shape)

    def read(self, sample: Sample, shape: Shape) -> Arrays:
        """The keypoints of a sample, if it has any.

        Raises:
            LabelError: a point lies outside the image.
        """
        if not isinstance(sample, AnnotatedImage):
            return {}
        return {"keypoints": points_inside(sample, shape[-2], shape[-1])}

    def moving(self) -> "MovingPoints":
        """Points move with the image, and pairs change places in a mirrored one."""
        from isthmus.transforms.keypoints import MovingPoints

        return MovingPoints(swap_order(self.point_names, self.swap_pairs))


@dataclass(frozen=True, kw_only=True)
class KeypointSource(ImageSource):
    """Images and files of keypoints, by stage.

    The attributes are arguments of `isthmus.datamodules.GenericKeypointDataModule`, and explained there.
    """

    keypoints: str | Path | None = None
    train_keypoints: str | Path | None = None
    val_keypoints: str | Path | None = None
    test_keypoints: str | Path | None = None
    data_root: str | Path | None = None
    format: str = "auto"
    split_table: str | Path | None = None
    split_column: str = "split"
    split_names: Mapping[str, str] | None = None
    swap_pairs: Sequence[Sequence[str]] | None = None
    _read: dict[tuple[str, str], KeypointAnnotations] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        check_format(self.format)
        check_split_names(self.split_names)

    def has(self, stage: str) -> bool:
        """Whether there are images for `stage`: a folder to predict, or keypoints of images in that split.

        Raises:
            DataError: files are missing or cannot be used.
        """
        if stage == "predict":
            return self.predict_data_root is not None
        if self._own(stage) is None and self.keypoints is not None:
            wanted = (self.split_names or {}).get(stage, stage)
            return any(image.split == wanted for image in self._annotations(stage).images)
        return self._own(stage) is not None

    def samples(self, stage: str) -> Sequence[Sample]:
        """The images of `train`, `val` or `test`, each an `AnnotatedImage`, or those of `predict`.

        Raises:
            ArgumentError: no file of keypoints, or no folder to predict, is given.
            DataError: files are missing or cannot be used.
        """
        if stage == "predict":
            return self.unlabelled()
        with blaming(self.file_key(stage)):
            return self._annotated(stage)

    def _annotated(self, stage: str) -> Sequence[Sample]:
        annotations = self._annotations(stage)
        if all(image.split is None for image in annotations.images):
            self._refuse_whole(stage, annotations.path)
            return annotations.images
        return take_split(annotations.images, stage, self.split_names, annotations.path)

    def readers(self, stage: str = "train") -> dict[str, Reader]:
        """Everything that is read of a sample; nothing but the images where they are to be predicted."""
        readers = super().readers(stage)
        if stage != "predict":
            readers["keypoints"] = PointReader(self.point_names, self.swap_pairs or ())
        return readers

    def told(self) -> dict[str, Any]:
        """The names of the points, where the files tell them."""
        try:
            return {"point_names": list(self.point_names)}
        except (IsthmusError, OSError):
            return {}

    def blame(self, stage: str, part: str = IMAGE) -> str:
        """The argument to blame for a part of the samples of a stage that cannot be used."""
        if part == "keypoints":
            return self.file_key(stage)
        if part != IMAGE or stage == "predict" or getattr(self, f"{stage}_data_root") is not None:
            return super().blame(stage, part)
        return "data_root" if self.data_root is not None else self.file_key(stage)

    def file_key(self, stage: str) -> str:
        """The argument that names the file of keypoints of a stage."""
        return "keypoints" if self._own(stage) is None else f"{stage}_keypoints"

    @property
    def point_names(self) -> tuple[str, ...]:
        """The names of the points, which are the same in all files.

        Raises:
            ArgumentError: no file of keypoints is given.
            DataError: they differ between files, or a file cannot be used.
        """
        stages = [stage for stage in LABELLED_STAGES if self.annotation_file(stage) is not None]
        if not stages:
            raise ArgumentError(
                "no file of keypoints is given, so the points have no names; set keypoints", argument="keypoints"
            )
        first, *others = (self._annotations(stage) for stage in stages)
        for stage, other in zip(stages[1:], others, strict=True):
            if other.point_names != first.point_names:
                raise DataError(
                    f"{first.path} and {other.path} have different points: {list(first.point_names)} and "
                    f"{list(other.point_names)}; the same in the same order were expected",
                    argument=self.file_key(stage),
                )
        return first.point_names

    def annotation_file(self, stage: str) -> Path | None:
        """The file of keypoints of a stage, where one is given."""
        given = self._own(stage) or self.keypoints
        return None if given is None else Path(given)

    def _own(self, stage: str) -> str | Path | None:
        given: str | Path | None = getattr(self, f"{stage}_keypoints", None)  # there are none to predict
        return given

    def _annotations(self, stage: str) -> KeypointAnnotations:
        """What a file says, with the files of its images and with splits; read once."""
        path = self.annotation_file(stage)
        if path is None:
            raise ArgumentError(f"neither keypoints nor {stage}_keypoints is given; a file of keypoints was expected")
        given = getattr(self, f"{stage}_data_root") or self.data_root
        key = (str(path), str(given))
        if key not in self._read:
            root = None if given is None else Path(given)
            with blaming(self.file_key(stage)):
                annotations = read_annotations(path, self.format, root)
                with blaming(self.blame(stage)):
                    folder = ImageFolder(root or path.parent)
                self._read[key] = replace(annotations, images=self._located(annotations, folder))
        return self._read[key]

    def _located(self, annotations: KeypointAnnotations, folder: ImageFolder) -> tuple[AnnotatedImage, ...]:
        """The images with their files, of which the split table, where there is one, says which there are."""
        table = self.split_table
        files = folder.find_all(_places(annotations.images), str(annotations.path), tell_others=table is None)
        annotated = [replace(image, image=files[image.identifier]) for image in annotations.images]
        if table is None:
            return tuple(annotated)
        with blaming("split_table"):
            splits = _read_splits(Path(table), self.split_column)
            listed = folder.find_all({name: f"row {row}" for name, (_, row) in splits.items()}, str(table))
        by_file = {image.image: image for image in annotated}
        images = []
        for name, (split, row) in splits.items():
            image = by_file.get(listed[name])
            if image is None:
                image = _without_points(name, listed[name], len(annotations.point_names), f"{table}, row", row)
            images.append(replace(image, split=split))
        return tuple(images)

    def _refuse_whole(self, stage: str, path: Path) -> None:
        if self._own(stage) is None:
            raise ArgumentError(
                f"{path} has no column 'split' and there is no split_table, so that training and test would be the "
                f"same images; give split_table, or {stage}_keypoints, whose images are all taken"
            )


def _places(images: Iterable[AnnotatedImage]) -> dict[str, str]:
    return {image.identifier: f"{image.listed_in.rpartition(', ')[2]} {image.place}" for image in images}


def _without_points(name: str, file: Path, points: int, listed_in: str, row: int) -> AnnotatedImage:
    """An image of the split table of which the keypoints say nothing: there is nothing in it."""
    return AnnotatedImage(
        identifier=name,
        image=file,
        keypoints=np.empty((0, points, 2), dtype=np.float32),
        places=np.empty((0, points), dtype=np.int64),
        place=row,
        listed_in=listed_in,
    )


def _read_splits(path: Path, column: str) -> dict[str, tuple[str, int]]:
    """The split and the row of each image that a table puts in one."""
    table = Table.of(path, read_rows(path))
    key = next((table.columns.index(name) for name in ("id", "image") if name in table.columns), 0)
    place = table.find(column)
    splits: dict[str, tuple[str, int]] = {}
    for number, row in table.rows:
        name, split = table.text(key, number, row), row[place].strip()
        other, first = splits.setdefault(name, (split, number))
        if other != split:
            raise PairingError(
                f"{path}, row {number} puts {name!r} in the split {split!r}, but row {first} in {other!r}"
            )
    return {name: entry for name, entry in splits.items() if entry[0]}
