"""Dates and places as a batch holds them, checked, and the calendar that encoders count by."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from isthmus.errors import ShapeError

_MONTHS_END = (31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)  # days of the year, where there is no leap day


def check_dates(temporal_coords: Tensor, batch: int, steps: int) -> None:
    """Make sure that there is a year and a day of the year for every step of every sample.

    Raises:
        ShapeError: `temporal_coords` is not `(B, T, 2)`.
    """
    _check("temporal_coords", temporal_coords, (batch, steps, 2), "year and day of the year")


def check_places(location_coords: Tensor, batch: int) -> None:
    """Make sure that there is a latitude and a longitude for every sample.

    Raises:
        ShapeError: `location_coords` is not `(B, 2)`.
    """
    _check("location_coords", location_coords, (batch, 2), "latitude and longitude")


def months(dates: Float[Tensor, "*batch 2"]) -> Int[Tensor, "*batch"]:
    """The month, 1 to 12, of (year, day of the year) in the Gregorian calendar."""
    year, day = dates.long().unbind(-1)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    ends = torch.tensor(_MONTHS_END, device=dates.device)
    return torch.bucketize(day - (leap & (day > _MONTHS_END[1])).long(), ends) + 1


def weeks(dates: Float[Tensor, "*batch 2"]) -> Int[Tensor, "*batch"]:
    """The week of (year, day of the year), counted as in ISO 8601, from the Monday before the first Thursday.

    Days that ISO 8601 gives to a week of the year before or after are in week 0 or 53 here.
    """
    year, day = dates.long().unbind(-1)
    before = year - 1
    weekday = (365 * before + before // 4 - before // 100 + before // 400 + day - 1) % 7 + 1  # Monday is 1
    return (day - weekday + 10) // 7


def _check(name: str, given: Tensor, expected: tuple[int, ...], meaning: str) -> None:
    if tuple(given.shape) != expected:
        raise ShapeError(f"{name} has the shape {tuple(given.shape)}: {expected} was expected, with {meaning} last")
