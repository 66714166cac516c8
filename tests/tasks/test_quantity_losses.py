"""Losses of quantities against torch and closed forms."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from isthmus.errors import ShapeError
from isthmus.registry import LOSS_REGISTRY
from isthmus.tasks.criteria import build_criterion
from isthmus.tasks.declaring import declared_for

NAMES = list(declared_for(LOSS_REGISTRY, "quantities"))
BY_TORCH = {
    "mse": F.mse_loss,
    "mae": F.l1_loss,
    "rmse": lambda prediction, target: F.mse_loss(prediction, target).sqrt(),
    "huber": F.huber_loss,
}


def value_and_gradient(criterion, prediction, target):
    prediction = prediction.clone().requires_grad_()
    loss = criterion(prediction, target)
    return loss, torch.autograd.grad(loss, prediction)[0]


def test_the_losses_of_quantities():
    assert set(NAMES) == set(BY_TORCH)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(4, 5), (2, 4, 5), (2, 3, 4, 5)])
@given(seed=st.integers(0, 2**16))
def test_value_and_gradient_are_those_of_torch_on_the_elements_that_count(name, shape, seed):
    generator = torch.manual_seed(seed)
    prediction = 3 * torch.randn(shape, generator=generator)
    target = torch.randn(shape, generator=generator)
    hidden = torch.rand(shape, generator=generator) < 0.3
    hidden.view(-1)[0] = False
    marked = target.masked_fill(hidden, torch.nan)
    marked.view(-1)[-1] = -9999.0
    hidden.view(-1)[-1] = True
    loss, gradient = value_and_gradient(build_criterion(name, "quantities", -9999.0), prediction, marked)
    expected, by_torch = value_and_gradient(
        lambda given, _: BY_TORCH[name](given[~hidden], target[~hidden]), prediction, target
    )
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(gradient, by_torch)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ignored", [math.nan, -1.0])
def test_where_nothing_counts_loss_and_gradient_are_zero(name, ignored):
    target = torch.full((1, 3, 3), ignored)
    loss, gradient = value_and_gradient(build_criterion(name, "quantities", -1), torch.full((1, 3, 3), 7.0), target)
    assert loss == 0
    assert not gradient.any()


@pytest.mark.parametrize("name", NAMES)
def test_a_perfect_prediction_has_no_loss_and_a_gradient_of_zero(name):
    prediction = torch.randn(2, 4, 4)
    loss, gradient = value_and_gradient(build_criterion(name, "quantities"), prediction, prediction.clone())
    assert loss == 0
    assert not gradient.any()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_predicted_where_nothing_counts_does_not_matter(name):
    prediction, target = torch.randn(1, 2, 4, 4), torch.randn(1, 2, 4, 4)
    target[:, :, 0] = torch.nan
    criterion = build_criterion(name, "quantities")
    wild = prediction.clone()
    wild[:, :, 0] = torch.inf
    loss, gradient = value_and_gradient(criterion, wild, target)
    assert loss == criterion(prediction, target)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_shapes_must_be_equal(name):
    criterion = build_criterion(name, "quantities")
    with pytest.raises(ShapeError, match=r"\(2, 1, 4, 4\) and the target \(2, 4, 4\)"):
        criterion(torch.zeros(2, 1, 4, 4), torch.zeros(2, 4, 4))
    with pytest.raises(ShapeError):
        criterion(torch.zeros(1, 4, 4), torch.zeros(2, 4, 4))


def test_root_and_huber_by_hand():
    prediction, target = torch.tensor([[0.0, 4.0]]), torch.tensor([[3.0, 0.0]])
    assert build_criterion("rmse", "quantities")(prediction, target).item() == pytest.approx(math.sqrt(12.5))
    huber = build_criterion({"huber": {"delta": 2.0}}, "quantities")(prediction, target)
    assert huber["huber"].item() == pytest.approx((2 * (3 - 1) + 2 * (4 - 1)) / 2)


def test_half_precision_is_compared_in_float32():
    prediction, target = torch.full((1, 4, 4), 1000.0, dtype=torch.float16), torch.zeros(1, 4, 4)
    assert build_criterion("mse", "quantities")(prediction, target) == 1e6


def test_whole_numbers_are_targets_too():
    loss = build_criterion("mae", "quantities", 255)(torch.tensor([[1.5, 0.0]]), torch.tensor([[1, 255]]))
    assert loss == 0.5
