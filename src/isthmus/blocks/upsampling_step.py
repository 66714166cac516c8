"""One step up, as every expanding path makes it: a finer map, joined with a skip connection, refined."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.errors import ShapeError


class UpsamplingStep(nn.Module):
    """Make a map finer, join it with a skip connection, refine the result.

    A subclass says how it makes a map finer and how it refines; here is what all of them share.

    Args:
        out_channels: the channels of the result.
        joins: whether there is a skip connection.
    """

    def __init__(self, out_channels: int, *, joins: bool) -> None:
        super().__init__()
        self.out_channels, self.uses_skip = out_channels, joins

    def forward(
        self, x: Float[Tensor, "batch channels height width"], skip: Float[Tensor, "batch skip _ _"] | None = None
    ) -> Float[Tensor, "batch out _ _"]:
        """Make `x` finer, join `skip`, refine.

        Raises:
            ShapeError: `skip` is missing or has another size.
        """
        x = self.finer(x, skip)
        if self.uses_skip:
            x = self.joined(x, fitting(skip, x))
        return self.refined(x)

    def finer(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """The finer map."""
        raise NotImplementedError(f"{type(self).__name__} must define finer(x, skip)")

    def joined(self, x: Tensor, skip: Tensor) -> Tensor:
        """Both in one: the channels of the skip connection, and behind them those of the map."""
        return torch.cat([skip, x], dim=1)

    def refined(self, x: Tensor) -> Tensor:
        """What becomes of the joined map."""
        raise NotImplementedError(f"{type(self).__name__} must define refined(x)")


def fitting(skip: Tensor | None, x: Tensor) -> Tensor:
    """The skip connection, if it has the size of the map it is to be joined with.

    Raises:
        ShapeError: it has not, or there is none.
    """
    if skip is None:
        raise ShapeError("the block was built for a skip connection, but is given none")
    if skip.shape[-2:] != x.shape[-2:]:
        raise ShapeError(
            f"a skip connection of {tuple(skip.shape[-2:])} cells (height, width) does not fit a map of "
            f"{tuple(x.shape[-2:])}; the size of the image must be a multiple of the largest stride"
        )
    return skip


def cropped(x: Tensor, skip: Tensor | None) -> Tensor:
    """The map without what reaches beyond the skip connection at the bottom and right."""
    return x if skip is None else x[..., : skip.shape[-2], : skip.shape[-1]]
