"""Fitting learned position embeddings to another grid."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from isthmus.errors import WeightsError


def fit_positions(
    embedding: Float[Tensor, "1 tokens channels"],
    own: Float[Tensor, "1 own_tokens own_channels"],
    prefix_tokens: int,
    source: str,
    grid: tuple[int, int] | None = None,
) -> tuple[Float[Tensor, "1 new_tokens channels"], str | None]:
    """Interpolate the position embeddings of a square grid bicubically to another grid.

    Args:
        embedding: the pretrained ones, those of the prefix tokens first.
        own: the untrained ones, whose grid is aimed at.
        prefix_tokens: class tokens and the like, which stay as they are.
        source: the file and the entry, for errors.
        grid: height and width of the grid that is aimed at; None where it is square.

    Returns:
        The embeddings, and what was done in words; None where the grids are the same.

    Raises:
        WeightsError: a grid that is not square.
    """
    counts = embedding.shape[1] - prefix_tokens, own.shape[1] - prefix_tokens
    side, own_side = (math.isqrt(max(count, 0)) for count in counts)
    height, width = grid or (own_side, own_side)
    if counts[0] == counts[1] and (height == width or side * side != counts[0]):
        return embedding, None
    if side * side != counts[0] or height * width != counts[1]:
        raise WeightsError(
            f"{source} holds the positions of {embedding.shape[1]} tokens and the encoder has {own.shape[1]}, "
            f"{prefix_tokens} of them no part of the grid: only square grids are resized"
        )
    prefix, cells = embedding[:, :prefix_tokens], embedding[:, prefix_tokens:]
    planes = cells.float().transpose(1, 2).unflatten(2, (side, side))
    resized = F.interpolate(planes, size=(height, width), mode="bicubic", antialias=True)
    cells = resized.flatten(2).transpose(1, 2).to(embedding.dtype)
    return torch.cat([prefix, cells], dim=1), f"resized from {side} x {side} to {height} x {width}"
