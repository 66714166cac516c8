"""Sine-cosine embeddings of positions, dates and places."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def sincos_1d(positions: Float[Tensor, "*batch"], channels: int) -> Float[Tensor, "*batch {channels}"]:
    """Embed numbers as the sines and cosines of `channels / 2` geometrically spaced frequencies, from 1 to 1/10,000.

    The encoding of "Attention Is All You Need" (arXiv 1706.03762), all sines first, then all cosines. It is computed
    in the precision of `positions`.
    """
    half = channels // 2
    exponents = torch.arange(half, dtype=positions.dtype, device=positions.device) / half
    angles = positions[..., None] * (1.0 / 10_000.0**exponents)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def sincos_2d(
    channels: int, grid: tuple[int, int], dtype: torch.dtype = torch.float64, device: torch.device | None = None
) -> Float[Tensor, "height width {channels}"]:
    """Embed the cells of a grid of `(height, width)`: columns in the first half of the channels, rows in the second.

    The encoding of the masked autoencoder (arXiv 2111.06377); `channels` is a multiple of 4.
    """
    rows, columns = (torch.arange(size, dtype=dtype, device=device) for size in grid)
    half = channels // 2
    parts = sincos_1d(columns, half)[None, :, :], sincos_1d(rows, half)[:, None, :]
    return torch.cat([part.expand(*grid, half) for part in parts], dim=-1)


def sincos_3d(
    channels: int, grid: tuple[int, int, int], dtype: torch.dtype = torch.float64, device: torch.device | None = None
) -> Float[Tensor, "time height width {channels}"]:
    """Embed the cells of a grid of `(time, height, width)`.

    The channels hold the column, the row and the time step, 6/16, 6/16 and 4/16 of them, as in the spatio-temporal
    masked autoencoder (arXiv 2205.09113); `channels` is a multiple of 16.
    """
    time, height, width = (torch.arange(size, dtype=dtype, device=device) for size in grid)
    plane, frame = channels // 16 * 6, channels // 16 * 4
    parts = (
        sincos_1d(width, plane)[None, None, :, :].expand(*grid, plane),
        sincos_1d(height, plane)[None, :, None, :].expand(*grid, plane),
        sincos_1d(time, frame)[:, None, None, :].expand(*grid, frame),
    )
    return torch.cat(parts, dim=-1)


def resize_positions(
    embedding: Float[Tensor, "time height width channels"], size: tuple[int, int]
) -> Float[Tensor, "time new_height new_width channels"]:
    """Interpolate the position embeddings of a grid bicubically to another height and width."""
    if tuple(embedding.shape[1:3]) == size:
        return embedding
    planes = embedding.permute(0, 3, 1, 2)
    return F.interpolate(planes, size=size, mode="bicubic", align_corners=True).permute(0, 2, 3, 1)


def native_positions(
    channels: int, grid: tuple[int, int] | tuple[int, int, int]
) -> Float[Tensor, "1 tokens {channels}"]:
    """The position embeddings of a class token, which are zero, and of the cells of a grid.

    Args:
        channels: of a token.
        grid: `(height, width)`, or `(time, height, width)`.
    """
    cpu = torch.device("cpu")
    plane = sincos_2d(channels, grid, device=cpu) if len(grid) == 2 else sincos_3d(channels, grid, device=cpu)
    cells = plane.flatten(0, -2).float()
    return torch.cat([cells.new_zeros(1, channels), cells])[None].to(torch.get_default_device())


def grid_positions(
    embedding: Float[Tensor, "1 tokens channels"], native: tuple[int, int, int], size: tuple[int, int]
) -> Float[Tensor, "time height width channels"]:
    """The position embeddings of the cells of a grid, interpolated to another height and width.

    Args:
        embedding: as `native_positions` makes it of a grid with time.
        native: the grid `(time, height, width)` of `embedding`.
        size: the height and width that are wanted.
    """
    return resize_positions(embedding[0, 1:].unflatten(0, native), size)
