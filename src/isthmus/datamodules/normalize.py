"""Images as multiples of the standard deviation around the mean, band by band."""

from typing import Any

import torch
from torch import Tensor, nn

from isthmus.errors import ShapeError
from isthmus.specs import IMAGE, Preprocessing


class Normalize(nn.Module):
    """Subtracts the mean of each channel and divides by its standard deviation, where a modality has such.

    Args:
        preprocessing: holds the means and standard deviations, by modality.
    """

    def __init__(self, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.scalings = nn.ModuleDict(
            {
                name: _Moments(scaling.means, scaling.stds)
                for name, scaling in preprocessing.modalities.items()
                if scaling.means is not None and scaling.stds is not None
            }
        )

    def forward(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Normalise `image`, `(B, C, H, W)` or `(B, C, T, H, W)` or a dict of these by modality, on its device.

        Returns:
            The batch itself, whose images have changed in place.

        Raises:
            ShapeError: an image has another number of axes or of channels.
        """
        images = batch["image"]
        for name, scaling in self.scalings.items():
            scaling(images if name == IMAGE else images[name])
        return batch


class _Moments(nn.Module):
    means: Tensor
    stds: Tensor

    def __init__(self, means: tuple[float, ...], stds: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer("means", torch.tensor(means, dtype=torch.float32))
        self.register_buffer("stds", torch.tensor(stds, dtype=torch.float32))

    def forward(self, image: Tensor) -> None:
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
