"""Predictions as GeoTIFFs or tables of points, one or more for each image, while they are made."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import BasePredictionWriter
from torch import Tensor

from isthmus.cli.console import say
from isthmus.errors import DataError, RasterError
from isthmus.rasters.frame import Frame, read_frame
from isthmus.rasters.header import read_info
from isthmus.rasters.write import write_class_map, write_scores
from isthmus.report.palette import default_colors
from isthmus.report.point_files import write_points_layer, write_points_table

_LISTED = 20
_POINTS = "points"


class PredictionWriter(BasePredictionWriter):
    """Writes `<stem>_<suffix>.tif` for each image: `_pred`, `_logits` or `_probabilities`.

    Points are written to `<stem>_points.csv` and, for an image with a place on the Earth, `<stem>_points.geojson`.

    Images from different folders keep their folders, seen from the deepest one that they share, so that equal names
    never meet; images in one folder that differ only in their extension keep that too. A map of an earlier run is
    replaced, each file at once; an image is never overwritten.

    Args:
        folder: where the maps go.
    """

    def __init__(self, folder: str | Path) -> None:
        super().__init__("batch")
        self.folder = Path(folder)
        self.written: list[Path] = []
        self._stems: dict[str, Path] = {}
        self._images: frozenset[str] = frozenset()

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Decide on the name of every map.

        Raises:
            DataError: the dataset does not say which images it holds.
        """
        files = getattr(_dataset(trainer), "image_files", None)
        if files is None:
            raise DataError("the dataset has no `image_files`, from which the maps could take their names")
        self._stems = name_maps(files)
        self._images = frozenset(map(os.path.realpath, files))

    def write_on_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        prediction: Any,
        batch_indices: Sequence[int] | None,  # noqa: ARG002
        batch: Any,
        batch_idx: int,  # noqa: ARG002
        dataloader_idx: int,  # noqa: ARG002
    ) -> None:
        """Write the maps or points of a batch."""
        results, files = prediction
        if files is None:
            raise DataError("the batch has no 'filename', so its predictions cannot be told apart")
        outputs = results if isinstance(results, list) else [results]
        maps = [output for output in outputs if output[1] != _POINTS]
        for index, file in enumerate(map(str, files)):
            frame = _frame(file, _dataset(trainer)) if maps else None
            for values, suffix in outputs:
                if frame is None or suffix == _POINTS:
                    self._write_points(file, values[index], batch["image"].shape[-2:], pl_module)
                else:
                    self._write(frame, values[index], suffix, file, pl_module)

    def _write(self, frame: Frame, values: Tensor, suffix: str, file: str, module: LightningModule) -> None:
        path = self._target(file, f"{suffix}.tif")
        array = values.detach().cpu().numpy()
        names = list(getattr(module, "class_names", None) or map(str, range(len(array) if array.ndim == 3 else 256)))
        if array.ndim == 3:
            write_scores(path, array, frame, names)
        else:
            colours = getattr(module, "class_colors", None) or default_colors(names)
            write_class_map(path, array, frame, names, [(red, green, blue) for red, green, blue in colours])
        self.written.append(path)

    def _write_points(self, file: str, values: Tensor, size: Sequence[int], module: LightningModule) -> None:
        info = read_info(file)
        if (info.height, info.width) != tuple(size):
            raise DataError(
                f"{file} is {info.height} x {info.width} pixels (height, width), but was predicted as "
                f"{size[0]} x {size[1]}: the points would not lie on the file; predict without a transform that resizes"
            )
        points, names = values.detach().float().cpu().numpy(), list(getattr(module, "point_names", ()))
        write_points_table(path := self._target(file, "points.csv"), points, names)
        self.written.append(path)
        if info.transform is not None and info.crs is not None:
            layer = self._target(file, "points.geojson")
            write_points_layer(layer, points, names, info.transform, info.crs)
            self.written.append(layer)

    def _target(self, file: str, ending: str) -> Path:
        """Where what is made of an image goes."""
        stem = self._stems[file]
        path = self.folder / stem.with_name(f"{stem.name}_{ending}")
        if os.path.realpath(path) in self._images:
            raise RasterError(f"the map of {file} would overwrite the image {path}; give another predict_output_dir")
        return path

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Say what was written."""
        if not trainer.is_global_zero:
            return
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
    paths = {file: Path(os.path.abspath(file)) for file in files}  # noqa: PTH100  (links keep their names)
    root = os.path.commonpath([path.parent for path in paths.values()]) if paths else ""
    relative = {file: path.relative_to(root) for file, path in paths.items()}
    counts = Counter(path.with_suffix("") for path in relative.values())
    return {
        file: path.with_suffix("") if counts[path.with_suffix("")] == 1 else path for file, path in relative.items()
    }


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
