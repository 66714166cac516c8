import math

import pytest
import torch

from isthmus.models.layers.coordinates import CoordinateEncoder
from isthmus.models.layers.sincos import resize_positions, sincos_1d, sincos_3d
from isthmus.models.layers.transformer import Attention


def test_a_number_becomes_the_sines_and_cosines_of_its_frequencies():
    embedded = sincos_1d(torch.tensor([3.0, 5.0], dtype=torch.float64), 4)
    expected = [[math.sin(p), math.sin(p / 100), math.cos(p), math.cos(p / 100)] for p in (3, 5)]
    torch.testing.assert_close(embedded, torch.tensor(expected, dtype=torch.float64))


def test_a_cell_is_embedded_by_column_row_and_time():
    grid = sincos_3d(32, (2, 3, 5))
    assert grid.shape == (2, 3, 5, 32)
    column, row, frame = torch.tensor([4.0, 2.0, 1.0], dtype=torch.float64)
    assert torch.equal(grid[1, 2, 4], torch.cat([sincos_1d(column, 12), sincos_1d(row, 12), sincos_1d(frame, 8)]))


def test_resizing_keeps_corners_and_changes_nothing_at_the_same_size():
    grid = sincos_3d(32, (2, 3, 5)).float()
    assert resize_positions(grid, (3, 5)) is grid
    larger = resize_positions(grid, (6, 7))
    assert larger.shape == (2, 6, 7, 32)
    torch.testing.assert_close(larger[:, 0, 0], grid[:, 0, 0])
    torch.testing.assert_close(larger[:, -1, -1], grid[:, -1, -1])


@pytest.mark.parametrize("learned", [True, False])
def test_a_pair_takes_half_of_the_channels_each(learned):
    encoder = CoordinateEncoder(8, learned_scale=learned)
    assert len(list(encoder.parameters())) == learned
    pair = torch.tensor([[2018.0, 30.0]])
    expected = torch.cat([sincos_1d(pair[:, 0], 4), sincos_1d(pair[:, 1], 4)], dim=1)
    torch.testing.assert_close(encoder(pair), encoder.scale * expected)


def test_attention_is_the_softmax_of_scaled_products_head_by_head():
    attention, x = Attention(8, 2), torch.randn(1, 5, 8)
    query, key, value = attention.qkv(x)[0].split(8, dim=1)
    heads = []
    for part in (slice(0, 4), slice(4, 8)):
        scores = (query[:, part] @ key[:, part].T / math.sqrt(4)).softmax(dim=1)
        heads.append(scores @ value[:, part])
    torch.testing.assert_close(attention(x)[0], attention.proj(torch.cat(heads, dim=1)))
