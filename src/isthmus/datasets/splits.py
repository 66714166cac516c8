"""Split files: which samples belong to the training, the validation or the test set."""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from isthmus.errors import ArgumentError, PairingError, did_you_mean

LABELLED_STAGES = ("train", "val", "test")
"""The stages whose samples have labels, as the arguments of a datamodule call them."""

_EXTENSIONS = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg", ".jp2", ".img", ".vrt", ".nc"})
_BOUNDARY = re.compile(r"(?<=.)(?=.)(?!(?<=[^\W_])[^\W_])", re.DOTALL)  # not between two letters or digits
_SHOWN = 3


@dataclass(frozen=True)
class Split:
    """The entries of a split file, and how they name samples.

    Attributes:
        path: the file, for messages.
        entries: one per sample or group of samples.
        ignore_extensions: compare names without their extensions.
        allow_substring: an entry that is no sample's name stands for every sample whose name contains it as a whole:
            `img_1` stands for `img_1_merged.tif`, never for `img_10_merged.tif`.
    """

    path: Path
    entries: tuple[str, ...]
    ignore_extensions: bool = True
    allow_substring: bool = True

    def select(self, names: Mapping[str, Collection[str]]) -> list[str]:
        """The keys of the samples that the split names, in the order of `names`.

        Args:
            names: for each sample, everything that it may be called.

        Raises:
            PairingError: an entry names nothing, or the file has no entries.
        """
        if not self.entries:
            raise PairingError(f"the split file {self.path} has no entries", argument="split")
        extensions = _EXTENSIONS | {_suffix(name) for group in names.values() for name in group}
        entries = {self._plain(entry, extensions): entry for entry in self.entries}
        called = {key: {self._plain(name, extensions) for name in group} for key, group in names.items()}
        found: dict[str, set[str]] = defaultdict(set)
        for key, group in called.items():
            for name in group & entries.keys():
                found[name].add(key)
        if self.allow_substring:
            open_entries = entries.keys() - found.keys()
            lengths = {len(entry) for entry in open_entries}
            for key, group in called.items():
                for name in group:
                    for part in open_entries.intersection(_parts(name, lengths)):
                        found[part].add(key)
        self._refuse_unknown([entry for plain, entry in entries.items() if plain not in found], names)
        chosen = set().union(*found.values())
        return [key for key in names if key in chosen]

    def _plain(self, name: str, extensions: Collection[str]) -> str:
        if not self.ignore_extensions:
            return name
        suffix = _suffix(name)
        return name.removesuffix(suffix) if suffix in extensions else name

    def _refuse_unknown(self, unknown: Sequence[str], names: Iterable[str]) -> None:
        if unknown:
            shown = ", ".join(repr(entry) for entry in unknown[:_SHOWN])
            more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
            raise PairingError(
                f"the split file {self.path} has {len(unknown)} entr{'y' if len(unknown) == 1 else 'ies'} that match "
                f"no sample: {shown}{more}{did_you_mean(unknown[0], names)}",
                argument="split",
            )


def _suffix(name: str) -> str:
    dot = name.rfind(".")
    return name[dot:] if dot > 0 else ""


def read_split(path: str | Path, stage: str, *, ignore_extensions: bool = True, allow_substring: bool = True) -> Split:
    """Read a split file.

    Args:
        path: a text file with one entry per line, where blank lines and lines that begin with `#` do not count; or a
            table `*.csv` with the columns `split` and `id` (the first column, where none is called `id`), of which the
            rows count whose split is `stage`.
        stage: `train`, `val` or `test`.
        ignore_extensions: compare names without their extensions.
        allow_substring: let an entry stand for every name that contains it as a whole.

    Raises:
        PairingError: the file does not exist, is no text, or has no entries.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PairingError(f"the split file {path} cannot be read: {error}", argument="split") from error
    if path.suffix.lower() == ".csv":
        entries = _csv_entries(path, lines, stage)
    else:
        entries = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not entries:
        raise PairingError(f"the split file {path} has no entries for {stage!r}", argument="split")
    return Split(path, tuple(dict.fromkeys(entries)), ignore_extensions, allow_substring)


def _csv_entries(path: Path, lines: Sequence[str], stage: str) -> list[str]:
    table = csv.DictReader(lines)
    columns = list(table.fieldnames or ())
    if "split" not in columns:
        raise PairingError(
            f"the table {path} has no column 'split'; its columns are {', '.join(columns) or 'none'}", argument="split"
        )
    key = "id" if "id" in columns else columns[0]
    return [row[key].strip() for row in table if (row["split"] or "").strip() == stage and row[key].strip()]


def _parts(name: str, lengths: Collection[int]) -> Iterator[str]:
    """The parts of a name between boundaries that have one of the lengths."""
    boundaries = [0, *(match.start() for match in _BOUNDARY.finditer(name)), len(name)]
    ends = set(boundaries)
    return (name[start : start + n] for start in boundaries for n in lengths if start + n in ends)


def check_split_names(names: Mapping[str, str] | None) -> None:
    """Make sure that names of splits are given for stages, as in `{val: validation}`.

    Raises:
        ArgumentError: one is given for something else.
    """
    for name in names or {}:
        if name not in LABELLED_STAGES:
            raise ArgumentError(
                f"split_names says what the splits {', '.join(LABELLED_STAGES)} are called, as in "
                f"{{val: validation}}; {name!r} is none of them{did_you_mean(name, LABELLED_STAGES)}",
                argument="split_names",
            )


@runtime_checkable
class InSplit(Protocol):
    """What a table puts in a split; None where it says nothing."""

    @property
    def split(self) -> str | None:
        """The name of the split."""


_InSplit = TypeVar("_InSplit", bound=InSplit)


def take_split(images: Iterable[_InSplit], stage: str, names: Mapping[str, str] | None, path: Path) -> list[_InSplit]:
    """The images that a table puts in the split of a stage.

    Args:
        images: all of the table.
        stage: `train`, `val` or `test`.
        names: what the splits are called where that is not the name of the stage.
        path: the table, for messages.

    Raises:
        PairingError: there are none.
    """
    images, wanted = list(images), (names or {}).get(stage, stage)
    chosen = [image for image in images if image.split == wanted]
    if not chosen:
        splits = Counter(image.split for image in images if image.split is not None)
        seen = ", ".join(f"{name!r} ({count})" for name, count in splits.items())
        raise PairingError(
            f"no image of {path} is in the split {wanted!r}; there are {seen}. split_names says what "
            f"the splits are called, as in {{{stage}: {next(iter(splits))}}}{did_you_mean(wanted, splits)}"
        )
    return chosen
