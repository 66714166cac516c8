"""Statistics of a data set: means and standard deviations by band, pixels by class.

Everything is gathered in one pass over the files, without torch. Means and squared deviations of images are joined as
in Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979), in
float64. Missing pixels and pixels to ignore do not count.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from isthmus.atomic import write_text
from isthmus.datasets.choice import source_of
from isthmus.datasets.labels import LabelReader
from isthmus.datasets.pairing import Sample
from isthmus.datasets.readers import ImageReader
from isthmus.errors import ArgumentError, BandError, DataError
from isthmus.specs import IMAGE


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the pixels of a data set are like.

    Attributes:
        samples: how many images were read.
        bands: the names of the bands, or their numbers from 0.
        means: the mean of each band, in the units of the image (after scaling).
        stds: the standard deviation of each band, of the population.
        minimums: the least value of each band.
        maximums: the greatest value of each band.
        valid: how many pixels of each band are not missing.
        class_counts: the labelled pixels of each class; empty without labels.
        ignored: the pixels without a class.
        class_names: a name for each class, where there are names.
    """

    samples: int
    bands: tuple[str | int, ...]
    means: tuple[float, ...]
    stds: tuple[float, ...]
    minimums: tuple[float, ...]
    maximums: tuple[float, ...]
    valid: tuple[int, ...]
    class_counts: tuple[int, ...] = ()
    ignored: int = 0
    class_names: tuple[str, ...] | None = None

    @property
    def class_percentages(self) -> tuple[float, ...]:
        """The share of each class among the pixels that have one, in percent."""
        total = max(sum(self.class_counts), 1)
        return tuple(100 * count / total for count in self.class_counts)

    @property
    def class_weights(self) -> tuple[float, ...]:
        """Weights that make classes count the same: pixels / (classes x pixels of the class); 0 for an absent class."""
        present = [count for count in self.class_counts if count]
        total = sum(present)
        return tuple(total / (len(present) * count) if count else 0.0 for count in self.class_counts)

    def to_dict(self) -> dict[str, Any]:
        """The statistics as plain lists, numbers and strings."""
        facts: dict[str, Any] = {
            "samples": self.samples,
            "bands": list(self.bands),
            "means": list(self.means),
            "stds": list(self.stds),
            "minimums": list(self.minimums),
            "maximums": list(self.maximums),
            "valid_pixels": list(self.valid),
        }
        if self.class_counts:
            names = self.class_names or tuple(str(index) for index in range(len(self.class_counts)))
            rows = zip(names, self.class_counts, self.class_percentages, self.class_weights, strict=True)
            facts["classes"] = [
                {"name": name, "pixels": count, "percent": round(percent, 4), "weight": round(weight, 6)}
                for name, count, percent, weight in rows
            ]
            facts["class_weights"] = [round(weight, 6) for weight in self.class_weights]
            facts["ignored_pixels"] = self.ignored
        return facts

    def write(self, path: str | Path) -> None:
        """Write the statistics as YAML, which `means` and `stds` of a datamodule can name."""
        write_text(path, yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True))


class BandMoments:
    """Count, mean, squared deviations, minimum and maximum by band, of any number of images."""

    def __init__(self, bands: int) -> None:
        self.count = np.zeros(bands, dtype=np.int64)
        self.mean = np.zeros(bands)
        self.deviations = np.zeros(bands)
        self.minimum = np.full(bands, np.inf)
        self.maximum = np.full(bands, -np.inf)

    def add(self, image: npt.NDArray[Any]) -> None:
        """Add the pixels of an image, `(bands, ...)`; NaN does not count."""
        for band, pixels in enumerate(image.reshape(len(image), -1)):
            known = pixels[~np.isnan(pixels)].astype(np.float64)
            if known.size:
                self._join(band, known)

    def _join(self, band: int, pixels: npt.NDArray[np.float64]) -> None:
        mean, total = pixels.mean(), self.count[band] + pixels.size
        shift, share = mean - self.mean[band], pixels.size / total
        self.deviations[band] += pixels.var() * pixels.size + shift**2 * self.count[band] * share
        self.mean[band] += shift * share
        self.count[band] = total
        self.minimum[band] = min(self.minimum[band], pixels.min())
        self.maximum[band] = max(self.maximum[band], pixels.max())

    @property
    def std(self) -> npt.NDArray[np.float64]:
        """The standard deviation of the population, by band."""
        return np.asarray(np.sqrt(self.deviations / np.maximum(self.count, 1)))


class ClassCounts:
    """Pixels by class, and those of no class, of any number of labels."""

    def __init__(self, labels: LabelReader | None) -> None:
        self.labels = labels
        self.counts = np.zeros(labels.num_classes if labels else 0, dtype=np.int64)
        self.ignored = 0

    def add(self, sample: Sample) -> None:
        """Add the label of a sample, if labels are read and it has one."""
        if self.labels is None or sample.label is None:
            return
        mask = self.labels.read_file(sample.label)
        known = mask[(mask >= 0) & (mask < len(self.counts)) & ~np.isin(mask, self.labels.ignored)]
        self.counts += np.bincount(known, minlength=len(self.counts))
        self.ignored += mask.size - known.size


def compute_statistics(
    samples: Iterable[Sample],
    images: ImageReader,
    labels: LabelReader | None = None,
    modality: str = IMAGE,
) -> Statistics:
    """Read all samples once and gather their statistics.

    Args:
        samples: the files.
        images: how images are read.
        labels: how labels are read; where None they are not.
        modality: which of the images of a sample are read.

    Raises:
        DataError: there are no samples, a band has no valid pixel, or a file cannot be used.
    """
    moments: BandMoments | None = None
    classes, number = ClassCounts(labels), 0
    for sample in samples:
        number += 1
        path = sample.file(modality)
        image = images.read(path)
        moments = moments or BandMoments(len(image))
        if len(image) != len(moments.count):
            raise BandError(f"{path} has {len(image)} bands, but those before it have {len(moments.count)}")
        moments.add(image)
        classes.add(sample)
    if moments is None:
        raise DataError("there are no samples to gather statistics from")
    class_names = None if labels is None else labels.class_names
    bands = images.bands.names or tuple(range(len(moments.count)))
    empty = [str(band) for band, count in zip(bands, moments.count, strict=True) if not count]
    if empty:
        raise DataError(f"no image has a valid pixel in band {', '.join(empty)}, so it has no mean")
    return Statistics(
        samples=number,
        bands=bands,
        means=tuple(moments.mean.tolist()),
        stds=tuple(moments.std.tolist()),
        minimums=tuple(moments.minimum.tolist()),
        maximums=tuple(moments.maximum.tolist()),
        valid=tuple(moments.count.tolist()),
        class_counts=tuple(classes.counts.tolist()),
        ignored=classes.ignored,
        class_names=None if class_names is None else tuple(class_names),
    )


def statistics_from_config(datamodule: str, init_args: Mapping[str, Any]) -> Statistics:
    """Gather the statistics of the samples to train on, from the arguments of a datamodule.

    Args:
        datamodule: the name of its class, or the path.
        init_args: the arguments as a configuration gives them. Classes are counted where masks of classes are read; of
            several modalities the first is looked at.

    Raises:
        ArgumentError: nobody knows what the datamodule reads, an argument is missing, or arguments contradict one
            another.
        DataError: files that are missing, do not pair, or cannot be used.
    """
    source = source_of(datamodule, init_args)
    if source is None:
        raise ArgumentError(f"the datamodule {datamodule!r} declares no source that could be read")
    (modality, images), *_ = source.images().items()
    labels = next((reader for reader in source.readers().values() if isinstance(reader, LabelReader)), None)
    return compute_statistics(source.samples("train"), images, labels, modality)
