"""One result out of overlapping windows."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isthmus.errors import ArgumentError
from isthmus.models.base import ModelOutput
from isthmus.predictions import Window, meaning_of
from isthmus.predictions.windows import mean_of_windows, merge_points
from isthmus.specs import Classes, Points, Quantities, Scope

SIZE = (7, 9)
PLACES = st.lists(st.tuples(st.integers(-3, 7), st.integers(-3, 9), st.floats(0.1, 10)), min_size=1, max_size=6)


@given(PLACES, st.floats(-100, 100))
def test_windows_that_agree_give_what_they_agree_on(places, value):
    weight = torch.rand(4, 4) + 0.1
    windows = [Window(torch.full((2, 4, 4), value), row, column, factor * weight) for row, column, factor in places]
    blended = mean_of_windows(windows, SIZE)
    covered = torch.zeros(SIZE, dtype=torch.bool)
    for row, column, _ in places:
        covered[max(row, 0) : max(row + 4, 0), max(column, 0) : max(column + 4, 0)] = True
    assert blended.shape == (2, *SIZE)
    assert torch.equal(blended[0].isfinite(), covered)
    torch.testing.assert_close(blended[:, covered], torch.full_like(blended[:, covered], value))


def test_pixels_weigh_what_their_windows_say():
    windows = [Window(torch.zeros(2, 2), 0, 0), Window(torch.ones(2, 2), 0, 1, torch.full((2, 2), 3.0))]
    assert mean_of_windows(windows, (2, 3)).tolist() == [[0, 0.75, 1]] * 2


def test_a_part_of_a_scene_is_that_part_of_the_whole():
    windows = [Window(torch.rand(3, 4, 4), row, column) for row in (0, 3) for column in (0, 2, 5)]
    whole = mean_of_windows(windows, SIZE)
    strip = mean_of_windows([Window(each.values, each.row - 2, each.column) for each in windows], (3, 9))
    torch.testing.assert_close(strip, whole[:, 2:5])


@pytest.mark.parametrize("spec", [Classes(("land", "water")), Quantities(("height", "cover"))])
def test_a_scene_of_one_window_is_decided_as_the_window(spec):
    meaning, output = meaning_of(spec), ModelOutput(torch.randn(1, 2, *SIZE))
    blended = meaning.blend([Window(output.output[0], 0, 0)], SIZE)
    assert torch.equal(meaning.decide(ModelOutput(blended.unsqueeze(0))), meaning.decide(output))


POINT = st.tuples(st.floats(0, 20, width=32), st.floats(0, 20, width=32), st.floats(0, 1, width=32))


@given(st.lists(st.tuples(POINT, st.integers(0, 2)), min_size=1, max_size=12), st.floats(0.5, 8))
def test_points_that_are_near_to_each_other_are_one(points, distance):
    windows = [
        Window(torch.tensor([[[x - 5 * index, y + 3 * index, score]]]), -3 * index, 5 * index)
        for (x, y, score), index in points
    ]
    merged = merge_points(windows, distance)[:, 0].tolist()
    given_points = [point for point, _ in points]
    assert [score for *_, score in merged] == sorted((score for *_, score in merged), reverse=True)
    for index, one in enumerate(merged):
        assert all(math.dist(one[:2], other[:2]) >= distance for other in merged[:index])
    for point in given_points:
        near = [each for each in merged if math.dist(each[:2], point[:2]) < distance + 1e-4]
        assert any(each[2] >= point[2] for each in near)


def test_names_are_merged_each_for_itself():
    nan = math.nan
    first = torch.tensor([[[1.0, 1, 0.5], [1, 1, 0.9]], [[nan, nan, 0.1], [8, 8, 0.7]]])
    second = torch.tensor([[[1.0, 1.0, 0.8], [nan, nan, nan]]])
    merged = meaning_of(Points(("a", "b"), min_distance=3)).blend([Window(first, 0, 0), Window(second, 1, 0)], SIZE)
    torch.testing.assert_close(
        merged, torch.tensor([[[1.0, 2, 0.8], [1, 1, 0.9]], [[nan] * 3, [8, 8, 0.7]]]), equal_nan=True
    )


def test_what_cannot_be_blended():
    with pytest.raises(ArgumentError, match="no windows"):
        mean_of_windows([], SIZE)
    with pytest.raises(ArgumentError, match="no windows"):
        merge_points([], 1)
    with pytest.raises(ArgumentError, match="whole images are not blended"):
        meaning_of(Classes(("a", "b"), scope=Scope.IMAGE)).blend([], SIZE)
