"""The calendar that encoders count by, held against Python's."""

from datetime import date, timedelta

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isthmus.errors import ShapeError
from isthmus.models.layers.dates import check_dates, check_places, months, weeks

DATES = st.dates(date(1900, 1, 1), date(2199, 12, 31))


def coords(day):
    return torch.tensor([day.year, day.timetuple().tm_yday], dtype=torch.float32)


@given(st.lists(DATES, min_size=1, max_size=20))
def test_months_are_those_of_the_calendar(days):
    assert months(torch.stack([coords(day) for day in days])).tolist() == [day.month for day in days]


@given(DATES)
def test_weeks_are_those_of_iso_8601_but_for_days_of_another_year(day):
    year, week, _ = day.isocalendar()
    if year != day.year:
        week = 0 if year < day.year else 53
    assert weeks(coords(day)).item() == week


@pytest.mark.parametrize("year", [1900, 2000, 2023, 2024])
def test_every_day_of_a_year_has_its_month(year):
    first = date(year, 1, 1)
    days = [first + timedelta(count) for count in range(365 + (year in (2000, 2024)))]
    assert months(torch.stack([coords(day) for day in days])).tolist() == [day.month for day in days]


def test_another_shape_is_refused_with_what_was_expected():
    with pytest.raises(ShapeError, match=r"\(2, 2\): \(2, 1, 2\) was expected, with year and day of the year last"):
        check_dates(torch.zeros(2, 2), 2, 1)
    with pytest.raises(ShapeError, match=r"\(3, 2\): \(2, 2\) was expected, with latitude and longitude last"):
        check_places(torch.zeros(3, 2), 2)
