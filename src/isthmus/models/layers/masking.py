"""Hiding a part of the tokens at random, as masked autoencoders do (arXiv 2111.06377)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from isthmus.errors import ArgumentError, ShapeError


@dataclass(frozen=True, slots=True)
class Masking:
    """Which tokens are seen and which are hidden.

    Attributes:
        seen: `(B, V)`, the places of the tokens that are seen.
        mask: `(B, N)`, one for a token that is hidden and zero for one that is seen.
        restore: `(B, N)`, where each token is once the seen ones stand in front of the hidden ones.
    """

    seen: Int[Tensor, "batch visible"]
    mask: Float[Tensor, "batch tokens"]
    restore: Int[Tensor, "batch tokens"]

    def take_seen(self, tokens: Float[Tensor, "batch tokens channels"]) -> Float[Tensor, "batch visible channels"]:
        """The tokens that are seen."""
        return tokens.gather(1, self.seen[:, :, None].expand(-1, -1, tokens.shape[2]))

    def put_back(
        self, seen: Float[Tensor, "batch visible channels"], hidden: Float[Tensor, "1 1 channels"]
    ) -> Float[Tensor, "batch tokens channels"]:
        """Every token at its place again, with `hidden` for those that are hidden."""
        batch, count = self.restore.shape
        stand_ins = hidden.to(seen.dtype).expand(batch, count - seen.shape[1], -1)
        shuffled = torch.cat([seen, stand_ins], dim=1)
        return shuffled.gather(1, self.restore[:, :, None].expand(-1, -1, seen.shape[2]))


def mask_tokens(
    shape: tuple[int, int], ratio: float, device: torch.device, noise: Float[Tensor, "*noise"] | None = None
) -> Masking:
    """Choose which tokens are hidden.

    Args:
        shape: the size of the batch and the number of tokens.
        ratio: the share of the tokens that is hidden.
        device: where the tokens are.
        noise: `(B, N)`, a number per token: those with the smallest ones are seen. By default drawn by the generator
            of PyTorch, so that seeding it makes the choice reproducible.

    Raises:
        ArgumentError: a ratio that is no share.
        ShapeError: noise of another shape.
    """
    if not 0.0 <= ratio < 1.0:
        raise ArgumentError(f"mask_ratio is {ratio}: a share from 0 to below 1 was expected")
    if noise is None:
        noise = torch.rand(shape, device=device)
    elif tuple(noise.shape) != shape:
        raise ShapeError(f"noise has the shape {tuple(noise.shape)}: {shape}, a number per token, was expected")
    visible = int(shape[1] * (1.0 - ratio))
    order = noise.argsort(dim=1)
    restore = order.argsort(dim=1)
    return Masking(order[:, :visible], (restore >= visible).to(torch.float32), restore)
