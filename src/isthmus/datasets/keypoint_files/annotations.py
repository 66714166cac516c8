"""The one form in which every file of keypoints is read: images with instances of named points."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isthmus.datasets.pairing import Sample
from isthmus.errors import LabelError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AnnotatedImage(Sample):
    """An image with its keypoints.

    Coordinates are (x, y) = (column, row) in pixels, x to the right and y down; whole numbers are the centres of
    pixels, and (0, 0) is the centre of the first.

    Attributes:
        identifier: what the file of the keypoints calls the image.
        image: the file of the image; until it has been looked up, the same as the identifier.
        label: None; the keypoints are here.
        keypoints: float32 `(N, K, 2)`, N instances of K points; NaN where a point is absent or not labelled. N may be
            0: an image with nothing in it.
        places: int64 `(N, K)`, where each point stands in the file; counted in the unit that `listed_in` ends with.
        place: where the image is named first.
        listed_in: the file and the unit of the places, as in `points.csv, row`, for messages.
        split: the split that the file puts the image in; None where it says nothing.
    """

    keypoints: npt.NDArray[np.float32]
    places: npt.NDArray[np.int64]
    place: int
    listed_in: str
    split: str | None = None


@dataclass(frozen=True, slots=True)
class KeypointAnnotations:
    """What a file of keypoints says.

    Attributes:
        path: the file.
        point_names: the names of the K points of an instance.
        images: the images, in the order of the file.
    """

    path: Path
    point_names: tuple[str, ...]
    images: tuple[AnnotatedImage, ...]


@dataclass
class ImageDraft:
    """An image while the file that describes it is being read."""

    place: int
    split: str | None = None
    instances: list[npt.NDArray[np.float32]] = field(default_factory=list)
    places: list[npt.NDArray[np.int64]] = field(default_factory=list)

    def add(self, instance: npt.NDArray[np.floating], place: int | npt.NDArray[np.int64]) -> None:
        """Add an instance `(K, 2)`, unless it has no point; `place` is that of the instance or of each point."""
        if not np.isnan(instance).all():
            self.instances.append(instance.astype(np.float32))
            self.places.append(np.broadcast_to(np.asarray(place, dtype=np.int64), len(instance)))

    def assign(self, split: str, place: int, where: str) -> None:
        """Put the image in a split; an empty name says nothing.

        Raises:
            LabelError: it is in another one already.
        """
        if split and self.split not in (None, split):
            raise LabelError(
                f"{where} {place} puts an image in the split {split!r} that row {self.place} puts in {self.split!r}"
            )
        self.split = split or self.split

    def finish(self, name: str, points: int, listed_in: str) -> AnnotatedImage:
        """The image as it is handed on."""
        keypoints = np.stack(self.instances) if self.instances else np.empty((0, points, 2), dtype=np.float32)
        places = np.stack(self.places) if self.places else np.empty((0, points), dtype=np.int64)
        return AnnotatedImage(
            identifier=name,
            image=Path(name),
            keypoints=keypoints,
            places=places,
            place=self.place,
            listed_in=listed_in,
            split=self.split,
        )


def finish_annotations(
    path: Path, point_names: Sequence[str], drafts: Mapping[str, ImageDraft], unit: str
) -> KeypointAnnotations:
    """Turn what was gathered by the name of the image into annotations; tells the log of repeated instances.

    Args:
        path: the file.
        point_names: the names of the points.
        drafts: the images by the names that the file gives them.
        unit: what places in the file are counted in, such as `row`.

    Raises:
        LabelError: there is no point, or no image.
    """
    if not point_names or not drafts:
        raise LabelError(f"{path} names {'no image' if point_names else 'no point'}; keypoints of images were expected")
    listed_in = f"{path}, {unit}"
    images = tuple(draft.finish(name, len(point_names), listed_in) for name, draft in drafts.items())
    repeated = [place for image in images for place in _repeated(image)]
    if repeated:
        _log.warning(
            "%s %d repeats another instance of the same image (%d such in all); each is kept",
            listed_in,
            repeated[0],
            len(repeated),
        )
    return KeypointAnnotations(path, tuple(point_names), images)


def _repeated(image: AnnotatedImage) -> list[int]:
    seen: set[bytes] = set()
    places = []
    for instance, place in zip(image.keypoints, image.places, strict=True):
        key = instance.tobytes()
        if key in seen:
            places.append(int(place[0]))
        seen.add(key)
    return places
