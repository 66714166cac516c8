"""The maps that a network learns from points."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isthmus.errors import ShapeError
from isthmus.models.map_stride import map_stride
from isthmus.tasks.keypoints import confidence_maps, offset_maps, targets

NAN = math.nan


def points(*instances):
    """One image: instances of points, each (x, y)."""
    return torch.tensor([instances], dtype=torch.float32)


@given(st.floats(-5, 40), st.floats(-5, 40), st.sampled_from([1, 2, 4]), st.floats(0.5, 10), st.integers(1, 9))
def test_each_cell_holds_the_gaussian_of_its_distance(x, y, stride, sigma, height):
    maps = confidence_maps(points([[x, y]]), (height, 7), stride, sigma)
    for row in range(height):
        for column in range(7):
            squared = (stride * column - x) ** 2 + (stride * row - y) ** 2
            assert maps[0, 0, row, column].item() == pytest.approx(math.exp(-squared / (2 * sigma**2)), abs=1e-5)


def test_of_several_instances_the_nearest_counts():
    one, other = [[3.0, 4.0], [NAN, NAN]], [[9.0, 4.5], [5.0, 5.0]]
    both = confidence_maps(points(one, other), (12, 12), 1, 2.0)
    alone = [confidence_maps(points(each), (12, 12), 1, 2.0) for each in (one, other)]
    assert torch.equal(both, torch.maximum(*alone))
    assert torch.equal(both[:, 1], alone[1][:, 1])


def test_points_that_are_not_there_leave_a_map_empty():
    assert not confidence_maps(points([[NAN, NAN], [2.0, NAN]]), (4, 5), 2, 3.0).any()
    nothing = confidence_maps(torch.zeros(2, 0, 3, 2), (4, 5), 2, 3.0)
    assert nothing.shape == (2, 3, 4, 5)
    assert not nothing.any()
    assert offset_maps(torch.zeros(2, 0, 3, 2), (4, 5), 2, 3.0).isnan().all()


def test_many_instances_are_drawn_in_parts(monkeypatch):
    many = 30 * torch.rand(2, 9, 2, 2, generator=torch.manual_seed(0))
    whole = confidence_maps(many, (15, 16), 2, 2.0)
    monkeypatch.setattr(targets, "_CELLS_AT_ONCE", 2 * 2 * 15 * 16 * 2)
    assert torch.equal(confidence_maps(many, (15, 16), 2, 2.0), whole)


def test_offsets_lead_from_cells_near_a_point_to_it():
    here, there = [6.3, 3.1], [17.0, 11.4]
    offsets = offset_maps(points([here], [there]), (8, 12), 2, 2.0)
    confidence = confidence_maps(points([here], [there]), (8, 12), 2, 2.0)
    assert torch.equal(offsets[:, :, 0].isnan(), confidence <= 0.2)
    for row, column in (~offsets[0, 0, 0].isnan()).nonzero().tolist():
        place = torch.tensor([2.0 * column, 2.0 * row])
        nearest = min((here, there), key=lambda point: math.dist(point, place.tolist()))
        assert torch.allclose(place + offsets[0, 0, :, row, column], torch.tensor(nearest), atol=1e-5)


@given(st.integers(1, 16), st.integers(20, 400), st.integers(20, 400))
def test_the_stride_follows_from_the_sizes(stride, height, width):
    cells = (math.ceil(height / stride), math.ceil(width / stride))
    if min(cells) > stride:  # else several strides give as many cells
        assert map_stride((height, width), cells) == stride


@pytest.mark.parametrize("cells", [(28, 28), (50, 25), (101, 101), (15, 16)])
def test_maps_that_do_not_lie_on_the_image_are_refused(cells):
    with pytest.raises(ShapeError, match="whole number"):
        map_stride((100, 100), cells)
