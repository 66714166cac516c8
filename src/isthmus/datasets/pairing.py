"""Images and their labels, paired by name.

A sample has an identifier: what the wildcards of the glob pattern stand for in the path of a file. With the patterns
`*_merged.tif` and `*.mask.tif` the files `S2_001_merged.tif` and `S2_001.mask.tif` both belong to `S2_001`. Where the
pattern leaves the extension open it is not part of the identifier, so `images/001.tif` pairs with `labels/001.png`.
Where no identifier is in both folders, endings or beginnings that all files of a folder share (`_image`, `mask_`) are
left out. Nothing here depends on the order of the files.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from isthmus.datasets.splits import Split
from isthmus.errors import PairingError

SIDECARS = (".aux.xml", ".ovr", ".msk", ".tfw", ".pgw", ".wld", ".prj")
"""Endings of the files that GDAL keeps beside a raster; they are never samples."""

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """The files that belong together.

    Attributes:
        identifier: what their names have in common.
        image: the file of the image, after which the sample is called; of several modalities, that of the first.
        label: the file of the label; None where there is none to expect.
        modalities: where there are several, the file of the image of each.
    """

    identifier: str
    image: Path
    label: Path | None = None
    modalities: Mapping[str, Path] = field(default_factory=dict, hash=False)

    def file(self, modality: str) -> Path:
        """The file of the image of a modality."""
        return self.modalities.get(modality, self.image)


def find_images(root: str | Path, pattern: str) -> list[Sample]:
    """The images that match, without labels, as for prediction; `root` may also be one file.

    Raises:
        PairingError: there are none.
    """
    root = Path(root)
    if root.is_file():
        return [Sample(root.stem, root)]
    files = find_files(root, pattern)
    return [Sample(str(path.relative_to(root)), path) for path in files]


def find_samples(
    image_root: str | Path,
    image_pattern: str,
    label_root: str | Path,
    label_pattern: str,
    split: Split | None = None,
    *,
    labels_in_images: bool = False,
) -> list[Sample]:
    """Find images and labels and pair them by name.

    Args:
        image_root: the folder of the images.
        image_pattern: a glob pattern relative to it; `**/` reaches folders below.
        label_root: the folder of the labels; it may be the same folder.
        label_pattern: a glob pattern relative to that. A file that it matches is never an image.
        split: which samples to take; all where None.
        labels_in_images: whether an image may hold its own label, where both patterns match it.

    Returns:
        The samples, sorted by identifier.

    Raises:
        PairingError: nothing matches a pattern, a file has no partner, two files have the same identifier, or an entry
            of the split matches nothing.
    """
    label_files = find_files(label_root, label_pattern)
    taken = set() if labels_in_images else set(label_files)
    image_files = [path for path in find_files(image_root, image_pattern) if path not in taken]
    if not image_files:
        raise PairingError(
            f"every file in {image_root} that matches {image_pattern!r} matches the pattern for labels "
            f"{label_pattern!r} too, so each image would be its own label; give the labels a folder or a pattern of "
            "their own (label_grep)"
        )
    images = identify(image_files, image_root, image_pattern)
    labels = identify(label_files, label_root, label_pattern)
    if images.keys().isdisjoint(labels):
        images, labels = _without_shared_parts(images, labels)
    chosen = sorted(images.keys() | labels.keys())
    if split is not None:
        chosen = split.select({key: _names(key, images, labels, image_root) for key in chosen})
    _refuse_strays(chosen, images, labels, label_root)
    return [Sample(key, images[key], labels[key]) for key in chosen]


def find_files(root: str | Path, pattern: str) -> list[Path]:
    """The files below `root` that match, sorted: broken symbolic links too, hidden files and sidecars not.

    Raises:
        PairingError: the folder does not exist, or nothing in it matches.
    """
    root = Path(root)
    if not root.is_dir():
        raise PairingError(f"{root} is not a folder; the folder with the files {pattern!r} was expected")
    files = sorted(path for path in root.glob(pattern) if _is_sample(path))
    if not files:
        raise PairingError(f"no file in {root} matches {pattern!r}{_what_is_there(root)}")
    return files


def _is_sample(path: Path) -> bool:
    return not path.name.startswith(".") and not path.name.endswith(SIDECARS) and not path.is_dir()


def _what_is_there(root: Path) -> str:
    entries = sorted(entry.name + "/" * entry.is_dir() for entry in itertools.islice(root.iterdir(), 1000))
    return f"; it holds {some(entries)}" if entries else "; it is empty"


def identify(files: Iterable[Path], root: str | Path, pattern: str) -> dict[str, Path]:
    """The files by the identifier of their sample.

    Raises:
        PairingError: two files have the same identifier.
    """
    identifier_of = _identifier_function(Path(root), pattern)
    by_identifier: dict[str, Path] = {}
    for path in files:
        identifier = identifier_of(path)
        other = by_identifier.setdefault(identifier, path)
        if other is not path:
            raise PairingError(
                f"{other} and {path} both belong to the sample {identifier!r}; a narrower pattern than {pattern!r} "
                "would tell them apart"
            )
    return by_identifier


def _identifier_function(root: Path, pattern: str) -> Callable[[Path], str]:
    pieces = [piece for piece in re.split(r"(\*\*/|\*+|\?|\[[^]]+\])", pattern) if piece]
    regex = re.compile("".join(_regex_of(piece) for piece in pieces))
    extension_is_open = "." not in re.sub(r"^.*[*?\]]", "", pattern.rsplit("/", 1)[-1])

    def identifier_of(path: Path) -> str:
        relative = path.relative_to(root).as_posix()
        match = regex.fullmatch(relative)
        identifier = "".join(match.groups()) if match else relative
        if extension_is_open:
            identifier = identifier.removesuffix(path.suffix)
        return re.sub("/+", "/", identifier).strip("/")

    return identifier_of


def _regex_of(piece: str) -> str:
    """A wildcard as a group that captures; of other text only the slashes are captured."""
    if piece == "**/":
        return "((?:.*/)?)"
    if piece.startswith("*"):
        return "([^/]*)"
    if piece == "?":
        return "([^/])"
    if piece.startswith("["):
        return f"({piece.replace('[!', '[^', 1)})"
    return "(/)".join(re.escape(literal) for literal in piece.split("/"))


def _without_shared_parts(
    images: Mapping[str, Path], labels: Mapping[str, Path]
) -> tuple[dict[str, Path], dict[str, Path]]:
    """Leave out endings or beginnings that all files of one kind share, where that makes identifiers meet."""
    best, most = (dict(images), dict(labels)), 0
    if min(len(images), len(labels)) < 2:  # one file shares everything with itself, which proves nothing
        return best
    for at_end in (True, False):
        cuts = itertools.product(_shared_parts(images, at_end=at_end), _shared_parts(labels, at_end=at_end))
        for image_part, label_part in cuts:
            shorter = _cut(images, image_part, at_end=at_end), _cut(labels, label_part, at_end=at_end)
            meeting = len(shorter[0].keys() & shorter[1].keys())
            if meeting > most:
                best, most = shorter, meeting
    return best


def _shared_parts(identifiers: Iterable[str], *, at_end: bool) -> list[str]:
    """The parts between separators that all identifiers share, shortest first; digits alone tell samples apart."""
    names = [identifier.rsplit("/", 1)[-1] for identifier in identifiers]
    if at_end:
        shared = _shared_beginning([name[::-1] for name in names])[::-1]
        parts = [shared[match.start() :] for match in re.finditer(r"[-_. ]", shared)][::-1]
    else:
        shared = _shared_beginning(names)
        parts = [shared[: match.end()] for match in re.finditer(r"[-_. ]", shared)]
    return ["", *(part for part in parts if re.search("[A-Za-z]", part))]


def _shared_beginning(names: Sequence[str]) -> str:
    first, last = min(names), max(names)  # what the two extremes share, all between them share
    return "".join(a for a, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))


def _cut(files: Mapping[str, Path], part: str, *, at_end: bool) -> dict[str, Path]:
    cut: dict[str, Path] = {}
    for identifier, path in files.items():
        folder, slash, name = identifier.rpartition("/")
        cut[folder + slash + (name.removesuffix(part) if at_end else name.removeprefix(part))] = path
    return cut


def _names(key: str, images: Mapping[str, Path], labels: Mapping[str, Path], image_root: str | Path) -> list[str]:
    """Everything that a split file may call a sample, the identifier first."""
    names = [key]
    if key in images:
        names += [images[key].name, images[key].relative_to(image_root).as_posix()]
    if key in labels:
        names.append(labels[key].name)
    return names


def _refuse_strays(
    chosen: Sequence[str], images: Mapping[str, Path], labels: Mapping[str, Path], label_root: str | Path
) -> None:
    lonely_images = [str(images[key]) for key in chosen if key not in labels]
    lonely_labels = [str(labels[key]) for key in chosen if key not in images]
    faults = []
    if lonely_images:
        faults.append(f"{len(lonely_images)} image(s) without a label in {label_root}: {some(lonely_images)}")
    if lonely_labels:
        faults.append(f"{len(lonely_labels)} label(s) without an image: {some(lonely_labels)}")
    if faults:
        paired = len(chosen) - len(lonely_images) - len(lonely_labels)
        raise PairingError(f"{'; '.join(faults)} ({paired} pair(s) found; files are paired by name)")


def some(names: Sequence[str]) -> str:
    """The first few of many names, for messages."""
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
