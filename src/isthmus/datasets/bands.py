"""Which bands of a file become which channels of an image."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from isthmus.bands import expand_bands
from isthmus.datasets.blame import blaming
from isthmus.errors import ArgumentError, BandError, did_you_mean

BandList = Sequence[str | int | Sequence[int]]


@dataclass(frozen=True, slots=True)
class BandSelection:
    """The bands of a file and those wanted of them.

    Attributes:
        dataset_bands: what the bands of a file are called, in its order; None where they have no names.
        output_bands: which of them become channels, in this order; None for all.
        temporal: whether a file holds several time steps of these bands.
        channel_major: with `temporal`, whether all steps of the first band come first, then those of the second;
            otherwise all bands of the first step come first.
        keys: what the two lists are called where the user wrote them.
    """

    dataset_bands: tuple[str | int, ...] | None = None
    output_bands: tuple[str | int, ...] | None = None
    temporal: bool = False
    channel_major: bool = False
    keys: tuple[str, str] = field(default=("dataset_bands", "output_bands"), compare=False)

    @property
    def filter_indices(self) -> list[int] | None:
        """The places of the output bands among the dataset bands, from 0; None where every band is wanted."""
        if self.output_bands is None or self.dataset_bands is None:
            return None
        return [self.dataset_bands.index(band) for band in self.output_bands]

    @property
    def names(self) -> tuple[str | int, ...] | None:
        """The bands of an image, in the order of its channels; None where they have no names."""
        return self.output_bands or self.dataset_bands

    def reading(self, wanted: tuple[str | int, ...] | None) -> "BandSelection":
        """The selection that reads what a model was trained on, by name and in its order.

        Output bands that are there for prediction alone may be other names for the same bands.

        Args:
            wanted: the bands of the model; None where they have no names.

        Raises:
            ArgumentError: output bands that are not those of the model, or a band of the model that is not there.
        """
        if wanted is None or self.names is None or self.names == wanted:
            return self
        if self.output_bands is not None:
            renamed = self.keys[1].startswith("predict_") and set(self.names).isdisjoint(wanted)
            if renamed and len(self.names) == len(wanted):
                return self
            raise ArgumentError(
                f"{self.keys[1]} is {list(self.names)}, but the model was trained on {list(wanted)}; the same bands in "
                "the same order were expected",
                argument=self.keys[1],
            )
        absent = [str(band) for band in wanted if band not in self.names]
        if absent:
            raise ArgumentError(
                f"{self.keys[0]} is {list(self.names)}, but the model was trained on {list(wanted)}; there is no band "
                f"{', '.join(absent)}",
                argument=self.keys[0],
            )
        return replace(self, output_bands=wanted)

    def file_indices(self, count: int, file: object) -> list[int]:
        """The bands to read of a file with `count` bands, from 0; with time steps, channel by channel.

        Raises:
            BandError: the number of bands does not fit.
        """
        if self.dataset_bands is None:
            return list(range(count))
        width = len(self.dataset_bands)
        steps = self.time_steps(count, file)
        wanted = self.filter_indices or range(width)
        if self.channel_major:
            return [band * steps + step for band in wanted for step in range(steps)]
        return [step * width + band for band in wanted for step in range(steps)]

    def time_steps(self, count: int, file: object) -> int:
        """How many time steps a file with `count` bands holds.

        Raises:
            BandError: the number of bands does not fit.
        """
        if self.dataset_bands is None:
            return 1
        width = len(self.dataset_bands)
        if self.temporal and width and count % width == 0:
            return count // width
        if self.temporal or count != width:
            rule = "a multiple of that was expected" if self.temporal else "name every band, in the order of the file"
            raise BandError(f"{file} has {count} band(s), but dataset_bands names {width}; {rule}")
        return 1


def select_bands(
    dataset_bands: BandList | None,
    output_bands: BandList | None,
    *,
    temporal: bool = False,
    channel_major: bool = False,
    keys: tuple[str, str] = ("dataset_bands", "output_bands"),
) -> BandSelection:
    """Check two lists of bands against one another.

    Args:
        dataset_bands: names or numbers for the bands of a file, in its order; `[first, last]` stands for an interval.
        output_bands: which of them are wanted.
        temporal: whether files hold several time steps of the dataset bands.
        channel_major: the order of channels and time steps in the file.
        keys: what the two lists are called where the user wrote them.

    Raises:
        ArgumentError: output bands or time steps without dataset bands, or a band named twice.
        BandError: an output band that is not among the dataset bands.
    """
    dataset_key, output_key = keys
    available, wanted = _expanded(dataset_bands, dataset_key), _expanded(output_bands, output_key)
    if wanted is not None and available is None:
        raise ArgumentError(
            f"{output_key} is given without {dataset_key}, which says where in the file those bands are",
            argument=output_key,
        )
    if temporal and not available:
        raise ArgumentError(
            f"expand_temporal_dimension needs {dataset_key}, the bands of one time step", argument=dataset_key
        )
    for key, bands in ((dataset_key, available), (output_key, wanted)):
        if bands is not None and (len(set(bands)) != len(bands) or not bands):
            raise ArgumentError(f"{key} is empty or names a band twice: {list(bands)}", argument=key)
    for band in wanted or ():
        if band not in (available or ()):
            names = [str(name) for name in available or ()]
            raise BandError(
                f"{output_key} asks for {band!r}, which is not among {dataset_key} {names}"
                f"{did_you_mean(str(band), names)}",
                argument=output_key,
            )
    return BandSelection(available, wanted, temporal, channel_major, keys)


def _expanded(bands: BandList | None, key: str) -> tuple[str | int, ...] | None:
    with blaming(key):
        return None if bands is None else tuple(expand_bands(bands))
