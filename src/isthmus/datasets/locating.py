"""The files of images that a table, or another file about images, names.

A name may be a path relative to the folder of the images, a path of another machine of which only the end is here, or
the name of a file without its extension.
"""

import logging
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from isthmus.datasets.pairing import SIDECARS, some
from isthmus.errors import PairingError, did_you_mean

_EXTENSIONS = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg", ".webp", ".jp2", ".bmp", ".gif", ".img", ".vrt"})

_log = logging.getLogger(__name__)


class ImageFolder:
    """The images below a folder; what lies in a folder is listed once.

    Args:
        root: the folder.

    Raises:
        PairingError: it is no folder.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise PairingError(f"{root} is not a folder; the folder of the images was expected")
        self.root = root
        self._listed: dict[Path, dict[str, list[str]]] = {}

    def find(self, name: str) -> Path | None:
        """The file that is meant by a name; None where there is none.

        Raises:
            PairingError: there are several.
        """
        parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in (".", "/")]
        if Path(name).is_absolute() and Path(name).is_file():
            return Path(name)
        for start in range(len(parts)):
            found = self._in(self.root.joinpath(*parts[start:-1]), parts[-1])
            if found is not None:
                return found
        return None

    def _in(self, folder: Path, name: str) -> Path | None:
        stems = self._list(folder)
        stem = _stem(name)
        files = stems.get(stem, [])
        if name in files:
            return folder / name
        if len(files) > 1:
            raise PairingError(f"{name!r} may be any of {', '.join(str(folder / file) for file in files)}")
        return folder / files[0] if files else None

    def _list(self, folder: Path) -> Mapping[str, Sequence[str]]:
        if folder not in self._listed:
            stems: dict[str, list[str]] = defaultdict(list)
            for name in _files_in(folder):
                if not name.startswith(".") and not name.endswith(SIDECARS):
                    stems[_stem(name)].append(name)
            self._listed[folder] = dict(stems)
        return self._listed[folder]

    def _images(self) -> list[Path]:
        """The images in every folder that was looked into."""
        names = [folder / name for folder, stems in self._listed.items() for files in stems.values() for name in files]
        return sorted(path for path in names if path.suffix.lower() in _EXTENSIONS)

    def find_all(self, names: Mapping[str, str], listed_in: str, *, tell_others: bool = True) -> dict[str, Path]:
        """The file of every name.

        Args:
            names: for each name where it stands in its file, for messages.
            listed_in: that file.
            tell_others: whether to tell the log of images beside them that no name means.

        Raises:
            PairingError: names have no file, or two have the same.
        """
        found: dict[str, Path] = {}
        missing, owners = [], dict[Path, str]()
        for name, place in names.items():
            path = self.find(name)
            if path is None:
                missing.append((name, place))
                continue
            if path in owners:
                raise PairingError(f"{listed_in} names {path} twice, as {owners[path]!r} and as {name!r} ({place})")
            found[name], owners[path] = path, name
        if missing:
            shown = some([f"{name!r} ({place})" for name, place in missing])
            hint = did_you_mean(missing[0][0], [path.name for path in self._images()])
            raise PairingError(f"{listed_in} names {len(missing)} image(s) that are not in {self.root}: {shown}{hint}")
        others = list(map(str, self.unnamed(owners))) if tell_others else []
        if others:
            _log.warning("%d image(s) are not named in %s and left out: %s", len(others), listed_in, some(others))
        return found

    def unnamed(self, named: Iterable[Path]) -> list[Path]:
        """The images beside those that were found, which nothing names."""
        known = set(named)
        return [path for path in self._images() if path not in known]


def _files_in(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if not entry.is_dir())


def _stem(name: str) -> str:
    """The name without the extension of an image; what else follows a dot belongs to the name."""
    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in _EXTENSIONS else name
