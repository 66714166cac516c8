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
) -> tuple[Float[Tensor, "1 new_tokens channels"], str | None]:
    """Interpolate the position embeddings of one square grid bicubically to another.

    Args:
        embedding: the pretrained ones, those of the prefix tokens first.
        own: the untrained ones, whose grid is aimed at.
        prefix_tokens: class tokens and the like, which stay as they are.
        source: the file and the entry, for errors.

    Returns:
        The embeddings, and what was done in words; None where the grids are the same.

    Raises:
        WeightsError: a grid that is not square.
    """
    if embedding.shape[1] == own.shape[1]:
        return embedding, None
    sides = [math.isqrt(tokens - prefix_tokens) for tokens in (embedding.shape[1], own.shape[1])]
    for side, tokens in zip(sides, (embedding.shape[1], own.shape[1]), strict=True):
        if side * side != tokens - prefix_tokens:
            raise WeightsError(
                f"{source} holds the positions of {embedding.shape[1]} tokens and the encoder has {own.shape[1]}, "
                f"{prefix_tokens} of them no part of the grid: only square grids are resized"
            )
    prefix, cells = embedding[:, :prefix_tokens], embedding[:, prefix_tokens:]
    grid = cells.float().transpose(1, 2).unflatten(2, (sides[0], sides[0]))
    resized = F.interpolate(grid, size=(sides[1], sides[1]), mode="bicubic", antialias=True)
    cells = resized.flatten(2).transpose(1, 2).to(embedding.dtype)
    return torch.cat([prefix, cells], dim=1), f"resized from {sides[0]} x {sides[0]} to {sides[1]} x {sides[1]}"
