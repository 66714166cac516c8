"""Normalisation layers."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.errors import ArgumentError, did_you_mean

NORMALIZATIONS = ("batchnorm", "identity")


class BatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation that also trains on a single value per channel.

    Where a whole map is pooled into one cell, a batch of one image has no variance to divide by. Such a batch is
    normalised with the running statistics and leaves them as they are.
    """

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels height width"]:
        """Normalise each channel."""
        if self.training and x.shape[0] * x.shape[2] * x.shape[3] == 1:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(x)


class LayerNorm2d(nn.Module):
    """Layer normalisation over the channels of every cell of a grid.

    Args:
        channels: the channels of the grid.
        eps: what is added to the variance.
    """

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.ln = nn.LayerNorm(channels, eps=eps)

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels height width"]:
        """Normalise every cell."""
        normalized: Tensor = self.ln(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return normalized


def normalization(given: bool | str, channels: int, owner: str) -> nn.Module:
    """The normalisation of that name: "batchnorm" (or True), "identity" (or False).

    Raises:
        ArgumentError: there is no normalisation of that name.
    """
    name = {True: "batchnorm", False: "identity"}[given] if isinstance(given, bool) else given.lower()
    if name == "batchnorm":
        return BatchNorm2d(channels)
    if name == "identity":
        return nn.Identity()
    raise ArgumentError(
        f"{owner} knows no normalisation {given!r}{did_you_mean(name, NORMALIZATIONS) or '.'} "
        f"It takes: {', '.join(NORMALIZATIONS)}, true or false"
    )
