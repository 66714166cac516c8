"""Images as multiples of the standard deviation around the mean, band by band."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from isthmus.errors import ArgumentError, ShapeError


class Normalize(nn.Module):
    """Subtracts the mean of each channel and divides by its standard deviation.

    Args:
        means: one per channel.
        stds: one per channel, above 0.

    Raises:
        ArgumentError: there are not as many means as standard deviations, or one of those is not above 0.
    """

    means: Tensor
    stds: Tensor

    def __init__(self, means: Sequence[float], stds: Sequence[float]) -> None:
        super().__init__()
        if len(means) != len(stds):
            raise ArgumentError(
                f"means has {len(means)} value(s) and stds {len(stds)}; one of each per band was expected"
            )
        wrong = [index for index, std in enumerate(stds) if not std > 0]
        if wrong:
            raise ArgumentError(f"stds must be above 0, but is {stds[wrong[0]]} for band {wrong[0]}")
        self.register_buffer("means", torch.tensor(list(means), dtype=torch.float32))
        self.register_buffer("stds", torch.tensor(list(stds), dtype=torch.float32))

    def forward(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Normalise `image`, `(B, C, H, W)` or `(B, C, T, H, W)`, in place, on whichever device it lies.

        Raises:
            ShapeError: the image has another number of axes or of channels.
        """
        image: Tensor = batch["image"]
        if image.ndim not in (4, 5):
            raise ShapeError(
                f"a batch of images has shape {tuple(image.shape)}; (batch, channels, height, width) or "
                "(batch, channels, time, height, width) was expected"
            )
        if image.shape[1] != len(self.means):
            raise ShapeError(
                f"a batch of images has {image.shape[1]} channels, but means and stds have {len(self.means)} values"
            )
        shape = (1, -1) + (1,) * (image.ndim - 2)
        means, stds = (values.to(image.device).view(shape) for values in (self.means, self.stds))
        image.sub_(means).div_(stds)
        return batch
