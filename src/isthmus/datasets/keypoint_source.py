"""Where images and keypoints lie and how they are read: the part of the datamodule for keypoints without torch."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from isthmus.datasets.keypoint_files.annotations import AnnotatedImage, KeypointAnnotations
from isthmus.datasets.keypoint_files.formats import check_format, read_annotations
from isthmus.datasets.keypoint_files.locating import ImageFolder
from isthmus.datasets.keypoint_files.tables import Table, read_rows
from isthmus.datasets.pairing import Sample, find_images
from isthmus.datasets.source import LABELLED_STAGES, ImageSource
from isthmus.errors import ArgumentError, DataError, PairingError, did_you_mean


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
    train_data_root: str | Path | None = None
    val_data_root: str | Path | None = None
    test_data_root: str | Path | None = None
    format: str = "auto"
    split_table: str | Path | None = None
    split_column: str = "split"
    split_names: Mapping[str, str] | None = None
    _read: dict[tuple[str, str], KeypointAnnotations] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        check_format(self.format)
        for name in self.split_names or {}:
            if name not in LABELLED_STAGES:
                raise ArgumentError(
                    f"split_names says what the splits {', '.join(LABELLED_STAGES)} are called, as in "
                    f"{{val: validation}}; {name!r} is none of them{did_you_mean(name, LABELLED_STAGES)}"
                )

    def has(self, stage: str) -> bool:
        """Whether there are images for `stage`: a folder to predict, or keypoints of images in that split.

        Raises:
            DataError: files are missing or cannot be used.
        """
        if stage == "predict":
            return self.predict_data_root is not None
        if self._own(stage) is None and self.keypoints is not None:
            return self._split_of(stage) in {image.split for image in self._annotations(stage).images}
        return self._own(stage) is not None

    def samples(self, stage: str) -> Sequence[Sample]:
        """The images of `train`, `val` or `test`, each an `AnnotatedImage`, or those of `predict`.

        Raises:
            ArgumentError: no file of keypoints, or no folder to predict, is given.
            DataError: files are missing or cannot be used.
        """
        if stage == "predict":
            if self.predict_data_root is None:
                raise ArgumentError(
                    "predict_data_root is not given; the folder with the images to predict was expected"
                )
            return find_images(self.predict_data_root, self.img_grep)
        annotations = self._annotations(stage)
        splits = Counter(image.split for image in annotations.images if image.split is not None)
        if not splits:
            self._refuse_whole(stage, annotations.path)
            return annotations.images
        wanted = self._split_of(stage)
        if wanted not in splits:
            seen = ", ".join(f"{name!r} ({count})" for name, count in splits.items())
            raise PairingError(
                f"no image of {annotations.path} is in the split {wanted!r}; there are {seen}. split_names says what "
                f"the splits are called, as in {{{stage}: {next(iter(splits))}}}{did_you_mean(wanted, splits)}"
            )
        return [image for image in annotations.images if image.split == wanted]

    @property
    def point_names(self) -> tuple[str, ...]:
        """The names of the points, which are the same in all files.

        Raises:
            ArgumentError: no file of keypoints is given.
            DataError: they differ between files, or a file cannot be used.
        """
        stages = [stage for stage in LABELLED_STAGES if self.annotation_file(stage) is not None]
        if not stages:
            raise ArgumentError("no file of keypoints is given, so the points have no names; set keypoints")
        first, *others = (self._annotations(stage) for stage in stages)
        for other in others:
            if other.point_names != first.point_names:
                raise DataError(
                    f"{first.path} and {other.path} have different points: {list(first.point_names)} and "
                    f"{list(other.point_names)}; the same in the same order were expected"
                )
        return first.point_names

    def annotation_file(self, stage: str) -> Path | None:
        """The file of keypoints of a stage, where one is given."""
        given = self._own(stage) or self.keypoints
        return None if given is None else Path(given)

    def _own(self, stage: str) -> str | Path | None:
        given: str | Path | None = getattr(self, f"{stage}_keypoints")
        return given

    def _split_of(self, stage: str) -> str:
        return (self.split_names or {}).get(stage, stage)

    def _annotations(self, stage: str) -> KeypointAnnotations:
        """What a file says, with the files of its images and with splits; read once."""
        path = self.annotation_file(stage)
        if path is None:
            raise ArgumentError(f"neither keypoints nor {stage}_keypoints is given; a file of keypoints was expected")
        given = getattr(self, f"{stage}_data_root") or self.data_root
        key = (str(path), str(given))
        if key not in self._read:
            root = None if given is None else Path(given)
            annotations = read_annotations(path, self.format, root)
            self._read[key] = replace(annotations, images=self._located(annotations, root or path.parent))
        return self._read[key]

    def _located(self, annotations: KeypointAnnotations, root: Path) -> tuple[AnnotatedImage, ...]:
        """The images with their files, of which the split table, where there is one, says which there are."""
        folder, table = ImageFolder(root), self.split_table
        files = folder.find_all(_places(annotations.images), str(annotations.path), tell_others=table is None)
        annotated = [replace(image, image=files[image.identifier]) for image in annotations.images]
        if table is None:
            return tuple(annotated)
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
