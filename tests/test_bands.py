import pytest

from isthmus.bands import HLSBands, OpticalBands, SARBands, expand_bands
from isthmus.errors import ArgumentError


def test_names_integers_and_intervals_become_one_flat_list():
    assert expand_bands([HLSBands.RED, "FOO", 3, [5, 8], (9, 9)]) == ["RED", "FOO", 3, 5, 6, 7, 8, 9]
    assert all(type(band) in (str, int) for band in expand_bands([HLSBands.RED, 0]))


def test_a_band_is_the_same_in_every_vocabulary():
    assert HLSBands.RED == OpticalBands.RED == "RED"
    assert SARBands.VV == "VV"
    assert set(HLSBands) <= set(OpticalBands)


@pytest.mark.parametrize("bands", ["RED", [[3, 1]], [[1, 2, 3]], [[1]]])
def test_what_is_no_list_of_bands_is_refused(bands):
    with pytest.raises(ArgumentError, match="was expected"):
        expand_bands(bands)
