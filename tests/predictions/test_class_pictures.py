"""Pictures of samples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from isthmus.predictions.class_pictures import PictureSample, draw_samples, paint
from isthmus.predictions.palette import NOTHING
from isthmus.predictions.pictures import stretch, usual_ranges

COLOURS = [(10, 20, 30), (40, 50, 60)]


def test_each_band_is_stretched_from_its_2nd_to_its_98th_percentile():
    ramp = np.linspace(0, 1, 101).reshape(1, 101)
    picture = stretch(np.stack([ramp, 1000 * ramp, -ramp]))
    assert picture[0, 50].tolist() == pytest.approx([0.5, 0.5, 0.5])
    assert picture[0, 2, 0] == picture[0, 0, 0] == 0
    assert picture[0, 98, 1] == 1
    assert picture[0, 0, 2] == 1


def test_an_even_surface_looks_even_beside_others():
    random = np.random.default_rng(0)
    rough, even = random.normal(0, 100, (2, 3, 40, 40)) * np.array([1, 0.01]).reshape(2, 1, 1, 1)
    least = usual_ranges([rough, rough, even], (0, 1, 2))
    assert least == pytest.approx([400, 400, 400], rel=0.1)
    assert stretch(even, least=least).max() < 0.02
    assert stretch(even).max() == 1
    assert usual_ranges([np.full((3, 2, 2), np.nan)], (0, 1, 2)) == [0, 0, 0]


def test_the_bands_of_the_picture_are_chosen():
    image = np.random.default_rng(0).random((7, 5, 5))
    assert np.array_equal(stretch(image, (3, 2, 1)), stretch(image[[3, 2, 1]]))
    assert np.array_equal(stretch(image[:1]), stretch(image[[0, 0, 0]]))


@given(arrays(np.float32, (3, 4, 4), elements=st.floats(-(2.0**100), 2.0**100, width=32) | st.just(np.nan)))
def test_a_stretched_picture_can_always_be_drawn(image):
    picture = stretch(image)
    assert picture.shape == (4, 4, 3)
    assert ((picture >= 0) & (picture <= 1)).all()


def test_classes_have_their_colours_and_the_rest_none():
    painted = paint(np.array([[0, 1, -1, 255]]), COLOURS)
    assert painted[0].tolist() == [[10, 20, 30], [40, 50, 60], list(NOTHING), list(NOTHING)]


@pytest.mark.parametrize(("count", "labelled"), [(1, True), (3, True), (6, False)])
def test_samples_are_drawn(tmp_path, count, labelled):
    random = np.random.default_rng(0)
    samples = [
        PictureSample(
            random.random((4, 8, 8)),
            random.integers(-1, 2, (8, 8)) if labelled else None,
            random.integers(0, 2, (8, 8)),
            "a name that is much too long for the place it has in the picture.tif",
        )
        for _ in range(count)
    ]
    draw_samples(tmp_path / "s.png", samples, ["a", "b"], COLOURS, title="val")
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
