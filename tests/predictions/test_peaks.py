"""Where peaks are found."""

import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from isthmus.errors import ArgumentError, ShapeError
from isthmus.tasks.keypoints import confidence_maps, find_peaks, offset_maps

STRIDES = st.sampled_from([1, 2, 4])
SIZE = (16, 20)


def draw(point, stride, sigma, size=SIZE):
    return confidence_maps(torch.tensor([[[point]]]), size, stride, sigma)


@given(st.floats(0, 1), st.floats(0, 1), STRIDES, st.floats(0.6, 8))
def test_a_gaussian_is_found_exactly_wherever_it_lies(along_x, along_y, stride, cells):
    sigma = cells * stride
    point = [along_x * (stride * SIZE[1] - 1), along_y * (stride * SIZE[0] - 1)]  # up to the last pixel
    found, score = find_peaks(draw(point, stride, sigma), stride)
    assert found.shape == (1, 1, 1, 2)
    assert math.dist(found.flatten().tolist(), point) < 0.02 * stride
    assert score.item() >= 0.2


@given(st.floats(0.3, 0.7), st.floats(0.3, 0.7), STRIDES, st.floats(0.6, 1.0))
def test_the_centre_of_mass_is_near(along_x, along_y, stride, cells):
    point = [along_x * stride * SIZE[1], along_y * stride * SIZE[0]]
    found, _ = find_peaks(draw(point, stride, cells * stride), stride, refine="integral")
    assert math.dist(found.flatten().tolist(), point) < 0.2 * stride


@given(st.floats(0, 39), st.floats(0, 31), st.integers(0, 5))
def test_offsets_lead_to_the_point(x, y, seed):
    noise = 0.1 * torch.randn(1, 1, *SIZE, generator=torch.manual_seed(seed))
    truth = torch.tensor([[[[x, y]]]])
    offsets = offset_maps(truth, SIZE, 2, 4.0).nan_to_num(0).flatten(1, 2)
    found, _ = find_peaks(draw([x, y], 2, 4.0) + noise, 2, refine="offsets", offsets=offsets)
    assert torch.allclose(found, truth, atol=1e-4)


def test_none_gives_the_cell():
    found, _ = find_peaks(draw([9.3, 6.9], 2, 3.0), 2, refine="none")
    assert found.flatten().tolist() == [10, 6]


@given(st.data())
def test_every_point_of_many_is_found_once(data):
    count = data.draw(st.integers(0, 6))
    places = [(data.draw(st.floats(0, 39)), data.draw(st.floats(0, 31))) for _ in range(count)]
    assume(all(math.dist(a, b) > 14 for i, a in enumerate(places) for b in places[:i]))
    truth = torch.tensor(places).reshape(1, count, 1, 2)
    found, scores = find_peaks(confidence_maps(truth, SIZE, 2, 3.0), 2, max_instances=8, radius=2)
    assert found.shape == (1, 8, 1, 2)
    there = found[0, :, 0][~found[0, :, 0].isnan().any(-1)]
    assert len(there) == count
    assert all(min(math.dist(place, each) for each in there.tolist()) < 0.1 for place in places)
    known = scores[~scores.isnan()]
    assert torch.equal(known, known.sort(descending=True).values)


def test_equal_neighbours_count_once():
    maps = torch.zeros(1, 1, 12, 12)
    maps[..., 2:5, 3:6] = 1.0
    maps[..., 9, 9] = 0.9
    found, scores = find_peaks(maps, max_instances=5, radius=1, refine="none")
    assert (~found[..., 0].isnan()).sum() == 2
    assert scores[0, :2, 0].tolist() == pytest.approx([1.0, 0.9])


def test_a_lower_peak_nearby_is_no_point():
    maps = torch.zeros(1, 1, 12, 20)
    maps[..., 5, 5], maps[..., 5, 8], maps[..., 5, 12] = 1.0, 0.6, 0.5
    near = [(~find_peaks(maps, max_instances=5, radius=r)[0][..., 0].isnan()).sum().item() for r in (1, 2, 3, 4)]
    assert near == [3, 3, 2, 1]  # the second lies within 4 of the third and is higher


@pytest.mark.parametrize("count", [1, 4])
def test_empty_maps_have_no_points(count):
    found, scores = find_peaks(torch.full((2, 3, 6, 7), 0.1), max_instances=count)
    assert found.shape == (2, count, 3, 2)
    assert found.isnan().all()
    assert (scores[:, 0] == torch.tensor(0.1)).all()


def test_more_instances_than_cells():
    found, _ = find_peaks(torch.rand(1, 1, 3, 3), max_instances=50, radius=1)
    assert found.shape == (1, 9, 1, 2)


def test_what_cannot_be_refined():
    maps = torch.zeros(1, 1, 2, 9)
    with pytest.raises(ShapeError, match="too small"):
        find_peaks(maps)
    with pytest.raises(ArgumentError, match="did you mean 'quadratic'"):
        find_peaks(maps, refine="quadratc")
    with pytest.raises(ArgumentError, match="no offset maps"):
        find_peaks(maps, refine="offsets")


class Peaks(torch.nn.Module):
    def __init__(self, **kwargs):
        super().__init__()
        self.kwargs = kwargs

    def forward(self, maps, offsets):
        return find_peaks(maps, 2, offsets=offsets, **self.kwargs)


@pytest.mark.parametrize("refine", ["quadratic", "integral", "offsets", "none"])
@pytest.mark.parametrize("count", [1, 7])
def test_it_is_exported(refine, count):
    module = Peaks(refine=refine, max_instances=count, radius=2)
    random = torch.manual_seed(1)
    inputs = [(torch.rand(2, 3, 14, 17, generator=random), torch.rand(2, 6, 14, 17, generator=random)) for _ in "ab"]
    exported = torch.export.export(module, inputs[0]).module()
    for got, expected in zip(exported(*inputs[1]), module(*inputs[1]), strict=True):
        assert torch.allclose(got, expected, equal_nan=True)
