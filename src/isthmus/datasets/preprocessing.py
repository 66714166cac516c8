"""Preprocessing: fitted once, from arguments, a file or the samples to train on; and data held against it.

`fit_preprocessing` makes it, `hold_preprocessing` compares the arguments of a datamodule with one that a model was
trained with, and `readers_under` gives the readers that read what such a model takes. Nothing here needs torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml

from isthmus.datasets.readers import ImageReader, Readers, image_readers
from isthmus.errors import ArgumentError
from isthmus.specs import BandScaling, Preprocessing

if TYPE_CHECKING:
    from isthmus.datasets.source import ImageSource
    from isthmus.statistics import Statistics

COMPUTE = "compute"

Values = Sequence[float] | str | Path | None
"""One number a band, the file that holds them, or `compute`."""

ByModality = Values | Mapping[str, Values]


def fit_preprocessing(
    source: "ImageSource", means: ByModality = None, stds: ByModality = None, no_data_replace: float | None = None
) -> Preprocessing:
    """Turn the arguments of a datamodule into numbers. Images are read only where one of them is `compute`.

    Args:
        source: the data set.
        means: numbers, the path of a file that holds them, `compute`, or None; by modality where there are several.
        stds: the same.
        no_data_replace: what missing pixels become, in the units of the file; where None, the mean of their band.

    Raises:
        ArgumentError: only one of means and stds is given, a file cannot be read, or their number is not that of the
            bands.
        DataError: `compute` meets files that cannot be used.
    """
    scalings = {}
    for modality, reader in source.images().items():
        given = {key: _of(values, modality) for key, values in (("means", means), ("stds", stds))}
        computed = _computed(source, modality, reader) if COMPUTE in map(_word, given.values()) else None
        numbers = {key: _numbers(values, key, computed) for key, values in given.items()}
        fill = numbers["means"] if no_data_replace is None else reader.scaled(no_data_replace)
        scalings[modality] = BandScaling(bands=reader.bands.names, scale=reader.factor, fill=fill, **numbers)
    return Preprocessing(scalings)


def hold_preprocessing(
    known: Preprocessing,
    source: "ImageSource",
    means: ByModality = None,
    stds: ByModality = None,
    no_data_replace: float | None = None,
) -> Preprocessing:
    """Hold the arguments of a datamodule against what a model was trained with; what they leave open agrees.

    Args:
        known: what the model was trained with.
        source: the data set; none of its files is opened.
        means: see `fit_preprocessing`; `compute` agrees with anything.
        stds: the same.
        no_data_replace: the same. It may say what `known` leaves open.

    Returns:
        What is to be done.

    Raises:
        ArgumentError: an argument says something else; the message names both.
    """
    scalings = {}
    for modality, scaling in known.modalities.items():
        for key, values in (("means", _of(means, modality)), ("stds", _of(stds, modality))):
            numbers = None if _word(values) == COMPUTE else _numbers(values, key, None)
            trained = getattr(scaling, key)
            if numbers is not None and not _equal(numbers, trained):
                raise ArgumentError(
                    f"{key} is {list(numbers)}, but the model was trained with "
                    f"{'none' if trained is None else list(trained)}; leave it out to take those of the model",
                    argument=key,
                )
        fill = None if no_data_replace is None else no_data_replace * scaling.scale
        if fill is not None and scaling.fill not in (None, fill):
            raise ArgumentError(
                f"no_data_replace is {no_data_replace}, which is {fill:g} in an image, but the model was trained with "
                f"{scaling.fill}; leave it out to take that of the model",
                argument="no_data_replace",
            )
        scalings[modality] = replace(scaling, fill=scaling.fill if fill is None else fill)
    if set(scalings) != set(source.images()):
        raise ArgumentError(
            f"the data have the modalities {', '.join(source.images())}, but the model was trained on "
            f"{', '.join(scalings)}"
        )
    return Preprocessing(scalings)


def readers_under(preprocessing: Preprocessing, readers: Readers) -> Readers:
    """The readers that read what a model was trained on: its bands by name, in its order, and its scale.

    Raises:
        ArgumentError: other bands, or another scale, were asked for; the message names both.
    """
    return {
        **readers,
        **{
            modality: reader.under(preprocessing.modalities[modality])
            for modality, reader in image_readers(readers).items()
        },
    }


def read_values(path: str | Path, key: str) -> tuple[float, ...]:
    """Read `means` or `stds` from a file: YAML with such a key, or text with numbers between blanks or commas.

    Raises:
        ArgumentError: the file is missing or does not hold numbers.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix.lower() in (".yaml", ".yml"):
            values = yaml.safe_load(text)[key]
        else:
            values = text.replace(",", " ").split()
        return tuple(float(value) for value in values)
    except OSError as error:
        raise ArgumentError(
            f"{key} is {str(path)!r}, which is no file that can be read; a list, a file or {COMPUTE!r} was expected",
            argument=key,
        ) from error
    except (ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise ArgumentError(
            f"{key}: {path} does not hold a list of numbers for {key!r} ({error})", argument=key
        ) from error


def _of(values: ByModality, modality: str) -> Values:
    return values.get(modality) if isinstance(values, Mapping) else values


def _word(values: Values) -> str | None:
    return values if isinstance(values, str) else None


def _computed(source: "ImageSource", modality: str, reader: ImageReader) -> "Statistics":
    from isthmus.statistics import compute_statistics

    return compute_statistics(source.samples("train"), reader, modality=modality)


def _numbers(values: Values, key: str, computed: "Statistics | None") -> tuple[float, ...] | None:
    if values is None:
        return None
    if computed is not None and _word(values) == COMPUTE:
        numbers: tuple[float, ...] = getattr(computed, key)
        return numbers
    if isinstance(values, str | Path):
        return read_values(values, key)
    return tuple(float(value) for value in values)


def _equal(numbers: Sequence[float], trained: Sequence[float] | None) -> bool:
    return trained is not None and len(numbers) == len(trained) and np.allclose(numbers, trained, rtol=1e-5, atol=0)
