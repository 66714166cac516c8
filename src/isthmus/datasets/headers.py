"""The sizes and bands of the files of a data set, from their headers: no pixel is read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from isthmus.datasets.bands import BandSelection
from isthmus.datasets.pairing import Sample
from isthmus.errors import BandError, DataError
from isthmus.rasters.header import RasterInfo, read_info

Size = tuple[int, int]
"""Height and width in pixels."""


@dataclass
class HeaderScan:
    """What the headers of a data set say.

    Attributes:
        sizes: for each size the images that have it, in the order in which the sizes appear.
        errors: what is wrong with single files; each message names its file.
    """

    sizes: dict[Size, list[Path]] = field(default_factory=dict)
    errors: list[DataError] = field(default_factory=list)


def scan_headers(samples: Iterable[Sample], bands: BandSelection) -> HeaderScan:
    """Read the header of every image and label.

    Files are wrong that are missing, empty, truncated or not rasters; images without the bands of the selection, or
    with another number of bands than the first; labels of another size than their image.
    """
    scan = HeaderScan()
    first: RasterInfo | None = None
    for sample in samples:
        try:
            image = _checked_header(sample, bands, first)
        except DataError as error:
            scan.errors.append(error)
            continue
        first = first or image
        scan.sizes.setdefault((image.height, image.width), []).append(sample.image)
    return scan


def _checked_header(sample: Sample, bands: BandSelection, first: RasterInfo | None) -> RasterInfo:
    image = read_info(sample.image, georeference=False)
    bands.file_indices(image.count, sample.image)
    if first is not None and image.count != first.count:
        raise BandError(
            f"{image.path} has {image.count} band(s), but {first.path} has {first.count}; "
            "all images must have the same bands"
        )
    if sample.label is not None:
        _require_equal_sizes(image, read_info(sample.label, georeference=False))
    return image


def sizes_of(samples: Iterable[Sample], bands: BandSelection) -> dict[Size, list[Path]]:
    """Read the header of every image and label, and sort the images by size.

    Raises:
        DataError: what is wrong with the first file that cannot be used, and how many there are.
    """
    scan = scan_headers(samples, bands)
    if scan.errors:
        others = len(scan.errors) - 1
        raise type(scan.errors[0])(f"{scan.errors[0]}{f' (and {others} more files are wrong)' if others else ''}")
    return scan.sizes


def _require_equal_sizes(image: RasterInfo, label: RasterInfo) -> None:
    if (image.height, image.width) != (label.height, label.width):
        raise DataError(
            f"{image.path} is {image.height} x {image.width} pixels (height x width), but its label {label.path} is "
            f"{label.height} x {label.width}; they must be equal"
        )


def describe_odd_size(sizes: Mapping[Size, Sequence[Path]]) -> str:
    """Name a file of the rarest size beside one of the commonest."""
    ordered = sorted(sizes.items(), key=lambda item: len(item[1]))
    (odd, odd_files), (usual, usual_files) = ordered[0], ordered[-1]
    total = sum(len(files) for files in sizes.values())
    return (
        f"{odd_files[0]} is {odd[0]} x {odd[1]} pixels (height x width), {usual_files[0]} is {usual[0]} x {usual[1]} "
        f"({len(odd_files)} and {len(usual_files)} of {total} images; {len(sizes)} sizes in all)"
    )
