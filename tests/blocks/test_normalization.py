"""Normalisation layers against the closed form."""

import pytest
import torch
from torch import nn

from isthmus.blocks.normalization import BatchNorm2d, LayerNorm2d, normalization
from isthmus.errors import ArgumentError


@pytest.mark.parametrize("shape", [(2, 5, 3, 4), (1, 5, 1, 2), (3, 5, 1, 1)])
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_is_that_of_torch(shape, training):
    ours, theirs = BatchNorm2d(5).train(training), nn.BatchNorm2d(5).train(training)
    for _ in range(2):
        x = torch.randn(shape)
        torch.testing.assert_close(ours(x), theirs(x))
    for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b)


def test_a_single_value_is_normalised_by_the_running_statistics():
    norm = BatchNorm2d(5).train()
    norm(torch.randn(4, 5, 2, 2))
    before = {key: value.clone() for key, value in norm.state_dict().items()}
    x = torch.randn(1, 5, 1, 1, requires_grad=True)
    out = norm(x)
    expected = (x.detach().flatten() - before["running_mean"]) / (before["running_var"] + 1e-5).sqrt()
    torch.testing.assert_close(out.detach().flatten(), expected)
    assert all(torch.equal(before[key], value) for key, value in norm.state_dict().items())
    out.sum().backward()
    assert x.grad.abs().min() > 0


def test_layer_norm_gives_every_cell_mean_zero_and_variance_one():
    out = LayerNorm2d(64)(torch.randn(2, 64, 3, 5) * 7 + 3)
    torch.testing.assert_close(out.mean(1), torch.zeros(2, 3, 5), atol=1e-5, rtol=0)
    torch.testing.assert_close(out.var(1, unbiased=False), torch.ones(2, 3, 5), atol=1e-4, rtol=0)


def test_normalisations_have_names():
    for name, expected in {True: BatchNorm2d, False: nn.Identity, "Identity": nn.Identity}.items():
        assert isinstance(normalization(name, 3, "x"), expected)
    with pytest.raises(ArgumentError, match="batchnorm, identity"):
        normalization("inplace", 3, "x")
