"""What images are said to show, in a table or by the folders that they lie in, and which classes that makes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from isthmus.datasets.locating import ImageFolder
from isthmus.datasets.pairing import find_files, some
from isthmus.datasets.tables import Table, read_rows
from isthmus.errors import ArgumentError, LabelError, PairingError, did_you_mean

IMAGE_COLUMNS = ("image", "file", "filename", "id")
LABEL_COLUMNS = ("label", "class")
SPLIT_COLUMN = "split"


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An image and what it is said to show.

    Attributes:
        identifier: what its table calls it, or its path within the folder of all classes.
        image: the file.
        label: a class, by name or by number.
        place: where that is said, for messages.
        split: the split that a table puts it in; None where it says nothing.
    """

    identifier: str
    image: Path
    label: str
    place: str
    split: str | None = None


@dataclass(frozen=True)
class ClassList:
    """The classes of a data set.

    Attributes:
        count: how many there are.
        names: their names, in the order of their indices; None where labels are numbers and nobody names them.
        numbered: whether a label may be the index of a class.
    """

    count: int
    names: tuple[str, ...] | None = None
    numbered: bool = False

    def index(self, image: LabelledImage) -> int:
        """The class of an image, from 0.

        Raises:
            LabelError: it is none of the classes.
        """
        names, number = self.names or (), whole_number(image.label)
        if image.label in names:
            return names.index(image.label)
        if self.numbered and number is not None and 0 <= number < self.count:
            return number
        known = f"the classes are {', '.join(names)}" if names else f"there are {self.count} classes, from 0"
        raise LabelError(f"{image.place}: {image.label!r} is no class; {known}{did_you_mean(image.label, names)}")

    def called(self, index: int) -> str:
        """What a class is called."""
        return str(index) if self.names is None else self.names[index]


def find_classes(labels: Iterable[str], names: Sequence[str] | None, count: int | None, *, numbered: bool) -> ClassList:
    """The classes that labels are of.

    Args:
        labels: all there are.
        names: the names of the classes, which fix their order; where None they are the labels, sorted.
        count: how many there are, where that is said; of labels that are numbers one more than the largest otherwise.
        numbered: whether labels may be numbers.

    Raises:
        ArgumentError: a name comes twice, or there are more or fewer classes than is said.
    """
    labels = set(labels)
    numbers = [number for number in map(whole_number, labels) if number is not None]
    if names is None and numbered and len(numbers) == len(labels):
        return ClassList(max(numbers) + 1 if count is None else count, numbered=True)
    found = sorted(labels) if names is None else [str(name) for name in names]
    if len(set(found)) != len(found):
        raise ArgumentError(f"class_names has a name twice: {found}", argument="class_names")
    if count not in (None, len(found)):
        raise ArgumentError(
            f"num_classes is {count}, but there are {len(found)} classes: {found}", argument="num_classes"
        )
    return ClassList(len(found), tuple(found), numbered)


def whole_number(text: str) -> int | None:
    """A label as the index of a class; None where it is no whole number."""
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() else None


def read_table(path: Path, root: Path, pattern: str, split_column: str) -> list[LabelledImage]:
    """Read a CSV table with a row for every image.

    Args:
        path: the table, with a column `image` (or `file`, `filename`, `id`), a column `label` (or `class`) and perhaps
            one of splits.
        root: the folder of the images.
        pattern: a glob pattern for the images that must have a row.
        split_column: the column of splits; it must be there unless it is `split`.

    Raises:
        LabelError: the table cannot be used; the message names the row.
        PairingError: a row has no image, an image has no row, or several.
    """
    table = Table.of(path, read_rows(path))
    name, label = table.find(*IMAGE_COLUMNS), table.find(*LABEL_COLUMNS)
    has_splits = split_column in table.columns or split_column != SPLIT_COLUMN
    split = table.find(split_column) if has_splits else None
    if not table.rows:
        raise LabelError(f"{path} has no rows; one for each image was expected")
    rows: dict[str, tuple[int, str, str | None]] = {}
    for number, row in table.rows:
        image = table.text(name, number, row)
        if image in rows:
            raise PairingError(f"{path}, row {number} names {image!r}, which has a row already: {rows[image][0]}")
        rows[image] = number, table.text(label, number, row), None if split is None else row[split].strip() or None
    folder = ImageFolder(root)
    files = folder.find_all({image: f"row {row[0]}" for image, row in rows.items()}, str(path), tell_others=False)
    others = [str(file) for file in folder.unnamed(files.values()) if file.match(pattern)]
    if others:
        raise PairingError(
            f"{len(others)} image(s) have no row in {path}: {some(others)}; give them one, or a pattern for the others "
            "(img_grep)"
        )
    return [
        LabelledImage(image, files[image], said, f"{path}, row {number}", split)
        for image, (number, said, split) in rows.items()
    ]


def read_folders(root: Path, pattern: str) -> list[LabelledImage]:
    """The images below the folders of a folder, each of which is a class; hidden ones are not.

    Args:
        root: the folder of the classes.
        pattern: a glob pattern for the images, at any depth of the folder of their class.

    Raises:
        PairingError: there is no folder, or one without an image.
    """
    if not root.is_dir():
        raise PairingError(f"{root} is not a folder; the folder with a folder for each class was expected")
    folders = sorted(each for each in root.iterdir() if each.is_dir() and not each.name.startswith("."))
    if not folders:
        raise PairingError(f"{root} has no folders; one for each class was expected")
    return [
        LabelledImage(str(file.relative_to(root)), file, folder.name, str(folder))
        for folder in folders
        for file in find_files(folder, at_any_depth(pattern))
    ]


def at_any_depth(pattern: str) -> str:
    """A glob pattern that reaches folders below."""
    return pattern if pattern.startswith("**/") else f"**/{pattern}"
