"""The sizes and bands of the files of a data set, from their headers: no pixel is read."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from isthmus.datasets.bands import BandSelection
from isthmus.datasets.pairing import Sample
from isthmus.errors import DataError
from isthmus.rasters.header import RasterInfo, read_info

Size = tuple[int, int]
"""Height and width in pixels."""


def sizes_of(samples: Iterable[Sample], bands: BandSelection) -> dict[Size, list[Path]]:
    """Read the header of every image and label, and sort the images by size.

    Returns:
        For each size the images that have it, in the order in which the sizes appear.

    Raises:
        RasterError: a file that is missing, empty, or not a raster.
        BandError: an image without the bands of the selection.
        DataError: an image and its label differ in size, or images differ in their number of bands or time steps.
    """
    sizes: dict[Size, list[Path]] = defaultdict(list)
    first: RasterInfo | None = None
    for sample in samples:
        image = read_info(sample.image, georeference=False)
        bands.file_indices(image.count, sample.image)
        if sample.label is not None:
            _require_equal_sizes(image, read_info(sample.label, georeference=False))
        first = first or image
        if image.count != first.count:
            raise DataError(
                f"{image.path} has {image.count} band(s), but {first.path} has {first.count}; "
                "all images must have the same bands"
            )
        sizes[image.height, image.width].append(sample.image)
    return dict(sizes)


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
