import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.bands import HLSBands
from isthmus.datasets.bands import select_bands
from isthmus.errors import ArgumentError, BandError


def test_bands_by_name_number_and_interval():
    assert select_bands(["RED", "NIR_NARROW", [5, 8]], [8, "RED"]).filter_indices == [5, 0]
    assert select_bands([HLSBands.BLUE, HLSBands.RED], ["RED"]).filter_indices == [1]
    assert select_bands(None, None).filter_indices is None
    assert select_bands(["A", "B"], None).file_indices(2, "f") == [0, 1]


def test_output_bands_alone_say_nothing():  # pitfall C14
    with pytest.raises(ArgumentError, match="output_bands is given without dataset_bands"):
        select_bands(None, ["RED"])


def test_a_band_that_is_not_there():
    with pytest.raises(BandError, match=r"output_bands asks for 'REED'.*did you mean 'RED'"):
        select_bands(["RED", "BLUE"], ["REED"])


@pytest.mark.parametrize(("dataset_bands", "output_bands"), [([], None), (["A", "A"], None), (["A", "B"], ["B", "B"])])
def test_empty_lists_and_doubles(dataset_bands, output_bands):
    with pytest.raises(ArgumentError, match="empty or names a band twice"):
        select_bands(dataset_bands, output_bands)


def test_the_file_must_have_the_bands():
    with pytest.raises(BandError, match=r"x\.tif has 12 band\(s\), but dataset_bands names 7"):
        select_bands(list(range(7)), None).file_indices(12, "x.tif")


@given(st.integers(1, 5), st.integers(1, 4), st.booleans(), st.data())
def test_time_steps_are_split_by_the_bands_of_the_file(width, steps, channel_major, data):  # pitfall S7
    names = [f"B{n}" for n in range(width)]
    wanted = data.draw(st.permutations(names))[: data.draw(st.integers(1, width))]
    file = (
        [(b, t) for b in names for t in range(steps)]
        if channel_major
        else [(b, t) for t in range(steps) for b in names]
    )
    selection = select_bands(names, wanted, temporal=True, channel_major=channel_major)
    read = [file[index] for index in selection.file_indices(len(file), "f")]
    assert read == [(band, step) for band in wanted for step in range(steps)]
    if width > 1:
        with pytest.raises(BandError, match="a multiple of that"):
            selection.file_indices(len(file) + 1, "f")


def test_time_steps_need_the_bands_of_one():
    with pytest.raises(ArgumentError, match="expand_temporal_dimension needs dataset_bands"):
        select_bands(None, None, temporal=True)
