import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isthmus.blocks.same import SameConv2d, SameConvTranspose2d, SameMaxPool2d, Upsample

PAIRS = [(2, 2), (3, 2), (4, 2), (5, 2), (6, 2), (7, 2), (1, 2), (3, 4), (4, 4), (5, 4), (2, 4), (3, 3), (5, 3), (3, 1)]

sizes = st.tuples(st.integers(1, 9), st.integers(1, 9))


def drawn(layer, seed=0):
    """The layer in double precision, every weight a number of its own."""
    generator = torch.Generator().manual_seed(seed)
    layer = layer.double()
    for parameter in layer.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return layer


def image(channels, size, seed=1):
    return torch.randn(2, channels, *size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def dense_conv(x, weight, bias, stride):
    """The definition: cell i looks at what lies from i * stride - before on."""
    kernel = weight.shape[-1]
    out = [-(-size // stride) for size in x.shape[-2:]]
    before = [max((n - 1) * stride + kernel - size, 0) // 2 for n, size in zip(out, x.shape[-2:], strict=True)]
    y = bias[None, :, None, None] * torch.ones(len(x), 1, *out, dtype=x.dtype)
    for i, j, k, m in np.ndindex(*out, kernel, kernel):
        row, column = i * stride + k - before[0], j * stride + m - before[1]
        if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
            y[:, :, i, j] += x[:, :, row, column] @ weight[:, :, k, m].T
    return y


def dense_transposed(x, weight, bias, stride):
    """The definition: cell i is laid down from i * stride on, and the excess cut off, the larger half behind."""
    kernel, before = weight.shape[-1], max(weight.shape[-1] - stride, 0) // 2
    out = [size * stride for size in x.shape[-2:]]
    y = bias[None, :, None, None] * torch.ones(len(x), 1, *out, dtype=x.dtype)
    for i, j, k, m in np.ndindex(*x.shape[-2:], kernel, kernel):
        row, column = i * stride + k - before, j * stride + m - before
        if 0 <= row < out[0] and 0 <= column < out[1]:
            y[:, :, row, column] += x[:, :, i, j] @ weight[:, :, k, m]
    return y


@pytest.mark.parametrize(("kernel", "stride"), [*PAIRS, (2, 1), (4, 1), (7, 4)])
@pytest.mark.parametrize("size", [(8, 8), (5, 7), (1, 2)])
def test_a_convolution_is_what_its_definition_says(kernel, stride, size):
    layer, x = drawn(SameConv2d(3, 2, kernel, stride)), image(3, size)
    torch.testing.assert_close(layer(x), dense_conv(x, layer.weight, layer.bias, stride))


@pytest.mark.parametrize(("kernel", "stride"), PAIRS)
@pytest.mark.parametrize("size", [(4, 4), (3, 5), (1, 2)])
def test_a_transposed_convolution_is_what_its_definition_says(kernel, stride, size):
    layer, x = drawn(SameConvTranspose2d(3, 2, kernel, stride)), image(3, size)
    torch.testing.assert_close(layer(x), dense_transposed(x, layer.weight, layer.bias, stride))


@pytest.mark.parametrize(("kernel", "stride"), PAIRS)
@given(size=sizes)
def test_a_transposed_convolution_is_the_transpose_of_the_convolution(kernel, stride, size):
    down = drawn(SameConv2d(2, 3, kernel, stride, bias=False))
    up = SameConvTranspose2d(3, 2, kernel, stride, bias=False).double()
    up.weight = down.weight
    coarse, fine = image(3, size), image(2, [each * stride for each in size], seed=2)
    torch.testing.assert_close((down(fine) * coarse).sum(), (fine * up(coarse)).sum())


@given(size=sizes, kernel=st.integers(1, 7), stride=st.integers(1, 4))
def test_sizes(size, kernel, stride):
    x = torch.zeros(1, 1, *size)
    coarse = tuple(math.ceil(each / stride) for each in size)
    fine = tuple(each * stride for each in size)
    assert SameConv2d(1, 1, kernel, stride)(x).shape[-2:] == coarse
    assert SameMaxPool2d(stride)(x).shape[-2:] == coarse
    assert SameConvTranspose2d(1, 1, kernel, stride)(x).shape[-2:] == fine
    assert Upsample(stride)(x).shape[-2:] == fine


@given(size=sizes, stride=st.integers(1, 4), shift=st.sampled_from([-5.0, 0.0]))
def test_pooling_is_the_maximum_of_what_is_inside(size, stride, shift):
    x = image(2, size) + shift
    y = SameMaxPool2d(stride)(x)
    for i, j in np.ndindex(*y.shape[-2:]):
        window = x[:, :, i * stride : i * stride + 2, j * stride : j * stride + 2]
        assert torch.equal(y[:, :, i, j], window.amax(dim=(2, 3)))


def test_a_transposed_convolution_of_an_impulse_lies_where_the_kernel_says():
    layer = SameConvTranspose2d(1, 1, 3, 2)
    layer.weight.data = torch.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    x = torch.zeros(1, 1, 3, 3)
    x[0, 0, 1, 1] = 1
    y = layer(x)[0, 0]
    assert torch.equal(y[2:5, 2:5], layer.weight[0, 0])
    assert y.count_nonzero() == 9


@pytest.mark.parametrize("stride", [2, 3, 4])
def test_bilinear_upsampling_has_pixels_with_centres(stride):
    x = image(1, (1, 6)).expand(-1, -1, 2, -1)
    at = np.clip((np.arange(6 * stride) + 0.5) / stride - 0.5, 0, 5)
    expected = [np.interp(at, np.arange(6), row) for row in x[:, 0, 0].numpy()]
    torch.testing.assert_close(Upsample(stride)(x)[:, 0, 0], torch.tensor(np.array(expected)))


def test_nearest_upsampling_repeats():
    x = image(1, (3, 4))
    assert torch.equal(Upsample(3, "nearest")(x), x.repeat_interleave(3, 2).repeat_interleave(3, 3))


@pytest.mark.parametrize("layer", [SameConv2d(20, 30, 3), SameConvTranspose2d(20, 30, 3)])
def test_layers_begin_as_glorot_and_bengio_say(layer):
    limit = math.sqrt(6 / (9 * (20 + 30)))
    assert layer.weight.abs().max() <= limit
    assert layer.weight.std().item() == pytest.approx(limit / math.sqrt(3), rel=0.05)
    assert layer.bias.count_nonzero() == 0
