"""Predictions as files, while they are made."""

import os
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import BasePredictionWriter

from isthmus.cli.console import say
from isthmus.errors import DataError
from isthmus.models.padding import image_size
from isthmus.predictions import Meaning, Place, meaning_of
from isthmus.predictions.tables import PREDICTIONS, write_rows
from isthmus.rasters.frame import Frame, read_frame
from isthmus.rasters.header import read_info

_LISTED = 20


class PredictionWriter(BasePredictionWriter):
    """Writes what the output of a task means: the files of each image, `<stem>_<suffix>`, or one table of all images.

    Images from different folders keep their folders, seen from the deepest one that they share, so that equal names
    never meet; images in one folder that differ only in their extension keep that too. A file of an earlier run is
    replaced, each at once; an image is never overwritten.

    Args:
        folder: where the files go.
    """

    def __init__(self, folder: str | Path) -> None:
        super().__init__("batch")
        self.folder = Path(folder)
        self.written: list[Path] = []
        self._meaning: Meaning[Any]  # this and the next two are known when the predictions begin
        self._stems: dict[str, Path] = {}
        self._images: frozenset[str] = frozenset()
        self._rows: dict[str, dict[str, Any]] = {}

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Decide on the name of every file.

        Raises:
            DataError: the dataset does not say which images it holds, or the task what its output means.
        """
        files = getattr(_dataset(trainer), "image_files", None)
        if files is None:
            raise DataError("the dataset has no `image_files`, from which the maps could take their names")
        spec = getattr(pl_module, "output_spec", None)
        if spec is None:
            raise DataError(f"{type(pl_module).__name__} has no `output_spec`, which says how predictions are written")
        self._meaning = meaning_of(spec)
        self._stems = name_maps(files)
        self._images = frozenset(map(os.path.realpath, files))

    def write_on_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,  # noqa: ARG002
        prediction: Any,
        batch_indices: Sequence[int] | None,  # noqa: ARG002
        batch: Any,
        batch_idx: int,  # noqa: ARG002
        dataloader_idx: int,  # noqa: ARG002
    ) -> None:
        """Write the files of a batch, and keep the rows of the table."""
        results, files = prediction
        if files is None:
            raise DataError("the batch has no 'filename', so its predictions cannot be told apart")
        outputs = results if isinstance(results, list) else [results]
        size, dataset = image_size(batch["image"]), _dataset(trainer)
        for index, file in enumerate(map(str, files)):
            stem = self.folder / self._stems[file]
            place = Place(Path(file), size, stem, partial(_frame, file, dataset), self._images)
            row = self._rows[file] = {}
            for values, suffix in outputs:
                one = values[index].detach().cpu()
                self.written += self._meaning.write(one, suffix, place)
                row |= self._meaning.row(one, suffix)

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Write the table, if there is one, and say what was written."""
        rows = _of_all_processes(self._rows)
        if not trainer.is_global_zero:
            return
        names = _below_shared_folder(list(self._stems))
        table = {names[file].as_posix(): rows[file] for file in self._stems if rows.get(file)}
        if table:
            self.written.append(self.folder / PREDICTIONS)
            write_rows(self.written[-1], table)
        for path in self.written[:_LISTED]:
            say(f"  {path}")
        if len(self.written) > _LISTED:
            say(f"  ... and {len(self.written) - _LISTED} more")
        kind = "map" if all(path.suffix == ".tif" for path in self.written) else "file"
        say(f"{len(self.written)} {kind}(s) in {self.folder.resolve()}")


def name_maps(files: Sequence[str]) -> dict[str, Path]:
    """A relative path without suffix for the map of each image, all different.

    >>> [str(stem) for stem in name_maps(["/d/a/1.tif", "/d/b/1.tif"]).values()]
    ['a/1', 'b/1']
    """
    relative = _below_shared_folder(files)
    counts = Counter(path.with_suffix("") for path in relative.values())
    return {
        file: path.with_suffix("") if counts[path.with_suffix("")] == 1 else path for file, path in relative.items()
    }


def _below_shared_folder(files: Sequence[str]) -> dict[str, Path]:
    """The path of each image, seen from the deepest folder that they share."""
    paths = {file: Path(os.path.abspath(file)) for file in files}  # noqa: PTH100  (links keep their names)
    root = os.path.commonpath([path.parent for path in paths.values()]) if paths else ""
    return {file: path.relative_to(root) for file, path in paths.items()}


def _of_all_processes(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The rows of this process and of the others that predict, each a part of the images."""
    distributed = torch.distributed
    if not (distributed.is_available() and distributed.is_initialized()):
        return rows
    parts: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(parts, rows)
    return {file: row for part in parts for file, row in part.items()}


def _dataset(trainer: Trainer) -> Any:
    loaders = trainer.predict_dataloaders
    loader = loaders[0] if isinstance(loaders, list | tuple) else loaders
    return getattr(loader, "dataset", None)


def _frame(file: str, dataset: Any) -> Frame:
    """The frame of an image, with the bands that the dataset reads of it."""
    bands = getattr(getattr(dataset, "image_reader", None), "bands", None)
    if bands is None:
        return read_frame(file)
    count = read_info(file, georeference=False).count
    return read_frame(file, bands.file_indices(count, file), bands.time_steps(count, file))
