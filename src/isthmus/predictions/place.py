"""Where what is predicted of an image goes, and what it takes over from the image."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from isthmus.errors import RasterError

if TYPE_CHECKING:
    from isthmus.rasters.frame import Frame


@dataclass(frozen=True)
class Place:
    """The place of the files of one image.

    Attributes:
        image: the image.
        size: (height, width) as the model saw it.
        stem: the folder and the beginning of the name of the files.
        read_frame: reads what a map takes over from the image; called once, and only where there is a map.
        images: the real paths of all images that are predicted, which are never overwritten.
    """

    image: Path
    size: tuple[int, int]
    stem: Path
    read_frame: "Callable[[], Frame]"
    images: frozenset[str] = frozenset()

    @cached_property
    def frame(self) -> "Frame":
        """What a map takes over from the image."""
        return self.read_frame()

    def file(self, ending: str) -> Path:
        """The path of a file, `<stem>_<ending>`.

        Raises:
            RasterError: it is one of the images.
        """
        path = self.stem.with_name(f"{self.stem.name}_{ending}")
        if os.path.realpath(path) in self.images:
            raise RasterError(
                f"the map of {self.image} would overwrite the image {path}; give another predict_output_dir"
            )
        return path
