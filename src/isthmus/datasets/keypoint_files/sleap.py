"""Keypoints as SLEAP stores them (`.slp`, `.pkg.slp`), read with the package `sleap-io`.

What a person labelled counts, predictions do not. Frames that are image files are used where they lie; frames inside a
video, or embedded in the file, are written as PNG files once.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.atomic import atomic_path
from isthmus.datasets.keypoint_files.annotations import ImageDraft, KeypointAnnotations, finish_annotations
from isthmus.errors import LabelError, MissingExtraError


def read_sleap(path: Path, frames: Path | None = None) -> KeypointAnnotations:
    """Read what was labelled in SLEAP.

    Args:
        path: the file.
        frames: the folder into which frames of videos are written; `<name>.frames` beside the file where None.

    Raises:
        MissingExtraError: `sleap-io` is not installed.
        LabelError: the file cannot be read, or holds nothing that was labelled.
    """
    try:
        import sleap_io
    except ImportError as error:
        raise MissingExtraError("sleap-io", "keypoints") from error
    try:
        labels = sleap_io.load_slp(str(path))
    except (OSError, KeyError, ValueError) as error:
        raise LabelError(f"{path} cannot be read as a file of SLEAP: {error}") from error
    if len(labels.skeletons) != 1:
        raise LabelError(f"{path} has {len(labels.skeletons)} skeletons; one was expected")
    frames = path.with_name(f"{path.stem}.frames") if frames is None else frames
    drafts: dict[str, ImageDraft] = {}
    for frame in labels.labeled_frames:
        instances = frame.user_instances
        if not instances and not frame.is_negative:  # negative: someone said that there is nothing
            continue
        image = _image_of(path, labels.videos.index(frame.video), frame, frames)
        draft = drafts.setdefault(image, ImageDraft(int(frame.frame_idx)))
        for instance in instances:
            draft.add(instance.numpy()[:, :2], int(frame.frame_idx))
    if not drafts:
        raise LabelError(f"{path} has {len(labels.labeled_frames)} frame(s), but none that a person labelled")
    return finish_annotations(path, [str(name) for name in labels.skeleton.node_names], drafts, "frame")


def _image_of(path: Path, video: int, frame: Any, frames: Path) -> str:
    """The file of a frame; it is written where it is only in a video."""
    if isinstance(frame.video.filename, list):
        return str(frame.video.filename[frame.frame_idx])
    target = frames / f"{path.stem}.{video}.{frame.frame_idx:06d}.png"
    if not target.exists():
        try:
            pixels = frame.image
        except (OSError, IndexError, KeyError, ValueError) as error:
            raise LabelError(
                f"{path}: frame {frame.frame_idx} of the video {frame.video.filename} cannot be read: {error}"
            ) from error
        _write_png(target, np.asarray(pixels))
    return str(target.resolve())


def _write_png(target: Path, pixels: npt.NDArray[Any]) -> None:
    from rasterio.errors import NotGeoreferencedWarning
    from rasterio.io import MemoryFile

    bands = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    count, height, width = bands.shape
    with MemoryFile() as memory, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with memory.open(driver="PNG", count=count, height=height, width=width, dtype=bands.dtype.name) as file:
            file.write(bands)
        content = memory.read()
    with atomic_path(target) as temporary:
        temporary.write_bytes(content)
