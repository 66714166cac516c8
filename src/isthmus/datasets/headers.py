"""The sizes and bands of the files of a data set, from their headers: no pixel is read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from isthmus.datasets.pairing import Sample
from isthmus.datasets.readers import ImageReader, Readers, Shape, image_readers, target_readers
from isthmus.errors import BandError, DataError
from isthmus.rasters.header import RasterInfo, read_info
from isthmus.specs.inputs import Size


@dataclass
class HeaderScan:
    """What the headers of a data set say.

    Attributes:
        sizes: for each size the images that have it, in the order in which the sizes appear.
        errors: what is wrong with single samples, with the name of the reader; each message names its file.
    """

    sizes: dict[Size, list[Path]] = field(default_factory=dict)
    errors: list[tuple[str, DataError]] = field(default_factory=list)

    @contextmanager
    def noting(self, reader: str) -> Iterator[None]:
        """Keep what is wrong with a sample, and go on with the next."""
        try:
            yield
        except DataError as error:
            self.errors.append((reader, error))


def scan_headers(samples: Iterable[Sample], readers: Readers) -> HeaderScan:
    """Read the header of every image, and hold all else that is read against it.

    Images are wrong that are missing, empty, truncated or not rasters, without the wanted bands, or with another number
    of bands than the first; whatever else is read must fit its image (see `TargetReader.fits`).
    """
    scan, first = HeaderScan(), dict[str, RasterInfo]()
    images, targets = image_readers(readers), target_readers(readers)
    for sample in samples:
        shapes: list[Shape] = []
        for part, reader in images.items():
            with scan.noting(part):
                info, shape = _image_shape(sample.file(part), reader, first.get(part))
                first.setdefault(part, info)
                shapes.append(shape)
        if len(shapes) < len(images):
            continue
        scan.sizes.setdefault((shapes[0][-2], shapes[0][-1]), []).append(sample.image)
        for part, target in targets.items():
            with scan.noting(part):
                target.fits(sample, shapes[0])
    return scan


def _image_shape(path: Path, reader: ImageReader, first: RasterInfo | None) -> tuple[RasterInfo, Shape]:
    info = read_info(path, georeference=False)
    shape = reader.shape(info.count, info.height, info.width, path)
    if first is not None and info.count != first.count:
        raise BandError(
            f"{info.path} has {info.count} band(s), but {first.path} has {first.count}; "
            "all images must have the same bands"
        )
    return info, shape


def sizes_of(samples: Iterable[Sample], readers: Readers) -> dict[Size, list[Path]]:
    """Read the header of every file, and sort the images by size.

    Raises:
        DataError: what is wrong with the first sample that cannot be used, and how many there are.
    """
    scan = scan_headers(samples, readers)
    if scan.errors:
        (_, error), others = scan.errors[0], len(scan.errors) - 1
        raise type(error)(f"{error}{f' (and {others} more files are wrong)' if others else ''}")
    return scan.sizes


def describe_odd_size(sizes: Mapping[Size, Sequence[Path]]) -> str:
    """Name a file of the rarest size beside one of the commonest."""
    ordered = sorted(sizes.items(), key=lambda item: len(item[1]))
    (odd, odd_files), (usual, usual_files) = ordered[0], ordered[-1]
    total = sum(len(files) for files in sizes.values())
    return (
        f"{odd_files[0]} is {odd[0]} x {odd[1]} pixels (height x width), {usual_files[0]} is {usual[0]} x {usual[1]} "
        f"({len(odd_files)} and {len(usual_files)} of {total} images; {len(sizes)} sizes in all)"
    )
