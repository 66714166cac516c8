"""Losses of confidence maps: their minimum, their balance, and what they teach."""

import math

import pytest
import torch
from drawn_dots import Pairs, TinyUNet, begin_as_glorot
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from isthmus.errors import ArgumentError, ShapeError
from isthmus.tasks.keypoints import BalancedSquaredError, confidence_maps, find_peaks, offset_maps
from isthmus.tasks.keypoints.losses import KeypointCriterion
from isthmus.tasks.keypoints.targets import PointTarget

NAN = math.nan
TARGET = PointTarget(torch.tensor([[[[5.2, 6.1], [NAN, NAN]]], [[[1.0, 9.0], [11.3, 3.0]]]]), (12, 16))


def true_maps(stride=2, sigma=2.0):
    return confidence_maps(TARGET.points, (12 // stride, 16 // stride), stride, sigma)


@pytest.mark.parametrize("loss", ["mse", "balanced"])
def test_the_true_maps_are_the_minimum(loss):
    criterion = KeypointCriterion(loss, 2, 2.0)
    prediction = true_maps().requires_grad_()
    criterion(prediction, TARGET).backward()
    assert criterion(prediction, TARGET) == 0
    assert not prediction.grad.any()
    assert criterion(prediction + 0.01 * torch.randn_like(prediction), TARGET) > 0


@given(st.integers(1, 40), st.integers(41, 2000))
def test_an_empty_cell_weighs_the_root_of_the_shares(points, cells):
    target = (torch.arange(cells) < points).float().reshape(1, 1, 1, cells)
    wrong = (target + 0.3).requires_grad_()
    loss = BalancedSquaredError()(wrong, target)
    assert loss.item() == pytest.approx(0.09, rel=1e-4)
    loss.backward()
    ratio = (wrong.grad[..., -1] / wrong.grad[..., 0]).item()
    assert ratio == pytest.approx(math.sqrt(points / (cells - points)), rel=1e-4)


def test_without_points_the_empty_map_is_right():
    nothing = PointTarget(torch.zeros(2, 0, 2, 2), (12, 16))
    prediction = torch.full((2, 2, 6, 8), 0.5, requires_grad=True)
    loss = KeypointCriterion("balanced", 2, 2.0)(prediction, nothing)
    assert loss.item() == pytest.approx(0.25)
    loss.backward()
    assert (prediction.grad > 0).all()


def test_the_stride_of_the_prediction_decides():
    criterion = KeypointCriterion("mse", 2, 2.0)
    for stride in (1, 2, 4):
        assert criterion(true_maps(stride), TARGET) == 0


def test_offsets_count_where_the_point_is_near():
    offsets = offset_maps(TARGET.points, (6, 8), 2, 2.0).flatten(1, 2)
    known = ~offsets.isnan()
    criterion = KeypointCriterion("balanced", 2, 2.0, offsets=True)
    wrong = torch.where(known, offsets + 3, 100.0)
    losses = criterion(torch.cat([true_maps(), wrong], 1), TARGET)
    assert losses["confidence"] == 0
    assert losses["offset"].item() == pytest.approx(3 / 2.0)
    assert losses["loss"] == losses["offset"]


def test_a_module_is_called_with_the_maps():
    criterion = KeypointCriterion(nn.L1Loss(), 2, 2.0)
    assert criterion(true_maps() + 0.5, TARGET).item() == pytest.approx(0.5)


def test_mistakes():
    with pytest.raises(ArgumentError, match="did you mean 'balanced'"):
        KeypointCriterion("balance", 2, 2.0)
    with pytest.raises(ShapeError, match="gives 3 maps; 2 were expected"):
        KeypointCriterion("mse", 2, 2.0)(torch.zeros(2, 3, 6, 8), TARGET)


def learn(loss, begin=None, steps=75):
    """Train on points of sigma 1 and give the error in pixels and the height of the peaks on other images."""
    torch.manual_seed(0)
    network = TinyUNet(1)
    if begin is not None:
        begin(network)
    data, other = Pairs(), Pairs(32, seed=1)
    criterion = KeypointCriterion(loss, 1, 1.0)
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(steps):
        chosen = torch.randint(0, len(data), (8,))
        optimiser.zero_grad()
        criterion(network(data.image[chosen]), PointTarget(data.keypoints[chosen], (48, 48))).backward()
        optimiser.step()
    with torch.no_grad():
        found, scores = find_peaks(network(other.image), threshold=-1)
    return (found - other.keypoints).norm(dim=-1).median().item(), scores.mean().item()


@pytest.mark.slow
def test_small_points_are_learnt_where_the_plain_error_leaves_the_maps_empty():
    """With layers that begin as PyTorch's do. Begun as Keras's do, the plain error learns them as well."""
    error, height = learn("balanced")
    assert error < 0.5
    assert height > 0.5
    assert learn("mse")[1] < 0.2
    error, height = learn("mse", begin_as_glorot)
    assert error < 0.5
    assert height > 0.5
