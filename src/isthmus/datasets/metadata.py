"""When and where images were taken: from a table, or from their georeference."""

import csv
import functools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

import numpy as np

from isthmus.datasets.pairing import Sample
from isthmus.datasets.readers import Arrays, Shape, TargetReader
from isthmus.errors import DataError, did_you_mean

GEOREFERENCE = "georeference"
NAME_COLUMNS = ("filename", "id", "image")
DATE_COLUMNS = ("date", "dates")
PLACE_COLUMNS = (("lat", "lon"), ("latitude", "longitude"))
_BY_DAY = re.compile(r"(\d{4})-?(\d{3})")


@dataclass(frozen=True, slots=True)
class Row:
    """What a table says about an image: (year, day of the year) of each time step, and (latitude, longitude)."""

    dates: tuple[tuple[int, int], ...] | None = None
    place: tuple[float, float] | None = None


@dataclass(frozen=True)
class Metadata(TargetReader):
    """When and where images were taken.

    Attributes:
        sources: a CSV table, the word `georeference`, or both. The table has a column `filename` (or `id`), and `date`
            (or `dates`, several separated by semicolons), or `lat` and `lon`, or all three; with
            `georeference` the place is the middle of the image.
    """

    sources: Sequence[str | Path] = field(default_factory=tuple)

    @cached_property
    def table(self) -> Mapping[str, Row]:
        """The rows by the names of their images.

        Raises:
            DataError: the table is missing, or cannot be used.
        """
        rows: dict[str, Row] = {}
        for source in self.sources:
            if str(source) != GEOREFERENCE:
                rows |= read_table(Path(source))
        return rows

    @property
    def _by_georeference(self) -> bool:
        return any(str(source) == GEOREFERENCE for source in self.sources)

    def check(self, samples: Sequence[Sample]) -> None:
        """Make sure that there is a row for every image, and that the first, which stands for all, has a place.

        Raises:
            DataError: the table cannot be used, or lacks an image; the first has no georeference.
        """
        for sample in samples if self.table else ():
            self._row(sample)
        if self._by_georeference and samples:
            middle(samples[0].image)

    def fits(self, sample: Sample, shape: Shape) -> None:
        """Make sure that there is a date for every time step, where there are dates.

        Raises:
            DataError: there are more or fewer.
        """
        dates, steps = self._row(sample).dates if self.table else None, shape[1] if len(shape) == 4 else 1
        if dates is not None and len(dates) != steps:
            raise DataError(f"metadata has {len(dates)} date(s) for {sample.image}, which has {steps} time step(s)")

    def read(self, sample: Sample, shape: Shape) -> Arrays:
        """What is known about an image.

        Returns:
            `temporal_coords`, `(T, 2)`, year and day of the year, and `location_coords`, `(2,)`, latitude and longitude
            in degrees, as far as the sources tell them; both float32.

        Raises:
            DataError: the table has no row for the image, or as many dates as it has not time steps.
        """
        self.fits(sample, shape)
        found: Arrays = {}
        if self._by_georeference:
            found["location_coords"] = np.array(middle(sample.image), np.float32)
        if self.table:
            row = self._row(sample)
            if row.dates is not None:
                found["temporal_coords"] = np.array(row.dates, np.float32)
            if row.place is not None:
                found["location_coords"] = np.array(row.place, np.float32)
        return found

    def _row(self, sample: Sample) -> Row:
        for name in (str(sample.image), sample.image.name, sample.image.stem, sample.identifier):
            if name in self.table:
                return self.table[name]
        hint = did_you_mean(sample.image.name, self.table) or f"; it has rows for {len(self.table)} others"
        raise DataError(f"metadata has no row for {sample.image}{hint}")


def read_table(path: Path) -> dict[str, Row]:
    """Read a table of dates and places.

    Raises:
        DataError: the file is missing, has no column to find images or nothing to say about them, or a value in it is
            no date or no place; the message names the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = {name.strip().lower(): name for name in reader.fieldnames or ()}
            name_column, dates, place = _columns(path, columns)
            rows: dict[str, Row] = {}
            for number, line in enumerate(reader, start=2):
                where = f"{path}, line {number}"
                name = (line[name_column] or "").strip()
                if name in rows:
                    raise DataError(f"{where}: there is a row for {name!r} already")
                rows[name] = Row(
                    None if dates is None else tuple(parse_date(text, where) for text in _several(line[dates])),
                    None if place is None else parse_place(line[place[0]], line[place[1]], where),
                )
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the metadata table {path} cannot be read: {error}") from error
    if not rows:
        raise DataError(f"the metadata table {path} has no rows")
    return rows


def parse_date(text: str, where: str) -> tuple[int, int]:
    """The year and the day of the year, 1 to 366, of `2018-07-03`, `20180703`, `2018-184`, `2018184` or an ISO time.

    Raises:
        DataError: it is none of these.
    """
    by_day = _BY_DAY.fullmatch(text)
    try:
        date = datetime.strptime("".join(by_day.groups()), "%Y%j") if by_day else datetime.fromisoformat(text)
    except ValueError:
        raise DataError(f"{where}: {text!r} is no date; expected 2018-07-03, 20180703 or, by day, 2018-184") from None
    return date.year, date.timetuple().tm_yday


def parse_place(latitude: str, longitude: str, where: str) -> tuple[float, float]:
    """A latitude and a longitude in degrees.

    Raises:
        DataError: they are no numbers, or outside of -90 to 90 and -180 to 180.
    """
    try:
        place = float(latitude), float(longitude)
    except (TypeError, ValueError):
        raise DataError(f"{where}: {latitude!r}, {longitude!r} are no latitude and longitude in degrees") from None
    if not (abs(place[0]) <= 90 and abs(place[1]) <= 180):
        raise DataError(f"{where}: latitude {place[0]} and longitude {place[1]} are not within 90 and 180 degrees")
    return place


@functools.lru_cache(maxsize=1 << 16)
def middle(image: Path) -> tuple[float, float]:
    """The latitude and the longitude (WGS 84) of the middle of a georeferenced image.

    Raises:
        RasterError: the file cannot be read.
        DataError: it is not georeferenced.
    """
    from rasterio.errors import CRSError
    from rasterio.warp import transform

    from isthmus.rasters.header import read_info

    info = read_info(image)
    if info.crs is None or info.transform is None:
        raise DataError(f"{image} is not georeferenced; give a table with the columns filename, lat and lon")
    a, b, left, d, e, top = info.transform[:6]
    x, y = (a * info.width + b * info.height) / 2 + left, (d * info.width + e * info.height) / 2 + top
    try:
        (longitude,), (latitude,) = transform(info.crs, "EPSG:4326", [x], [y])
    except CRSError as error:
        raise DataError(f"the place of {image} cannot be told in degrees: {error}") from error
    if not (math.isfinite(latitude) and math.isfinite(longitude)):
        raise DataError(f"the place of {image} cannot be told in degrees: it is outside of {info.crs}")
    return latitude, longitude


def _columns(path: Path, columns: Mapping[str, str]) -> tuple[str, str | None, tuple[str, str] | None]:
    """The columns of names, of dates and of places, as the file calls them."""
    name = next((columns[each] for each in NAME_COLUMNS if each in columns), None)
    dates = next((columns[each] for each in DATE_COLUMNS if each in columns), None)
    pair = next((pair for pair in PLACE_COLUMNS if columns.keys() >= set(pair)), None)
    if name is None or (dates is None and pair is None):
        raise DataError(
            f"the metadata table {path} has the columns {', '.join(columns) or 'none'}; expected filename, and "
            "date, or lat and lon"
        )
    return name, dates, None if pair is None else (columns[pair[0]], columns[pair[1]])


def _several(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(";") if part.strip()]
