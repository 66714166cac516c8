"""Images as multiples of the standard deviation around the mean, band by band."""

from typing import Any

import torch
from torch import Tensor

from isthmus.errors import ShapeError
from isthmus.specs import IMAGE, Preprocessing


class Normalize:
    """Subtracts the mean of each channel and divides by its standard deviation, where a modality has such.

    Args:
        preprocessing: holds the means and standard deviations, by modality.
    """

    def __init__(self, preprocessing: Preprocessing) -> None:
        self.moments = {
            name: torch.tensor([scaling.means, scaling.stds], dtype=torch.float32)
            for name, scaling in preprocessing.modalities.items()
            if scaling.means is not None
        }

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Normalise `image`, `(B, C, H, W)` or `(B, C, T, H, W)` or a dict of these by modality, on its device.

        Returns:
            The batch itself, whose images have changed in place.

        Raises:
            ShapeError: an image has another number of axes or of channels.
        """
        for name, moments in self.moments.items():
            image: Tensor = batch["image"] if name == IMAGE else batch["image"][name]
            if image.ndim not in (4, 5):
                raise ShapeError(
                    f"a batch of images has shape {tuple(image.shape)}; (batch, channels, height, width) or "
                    "(batch, channels, time, height, width) was expected"
                )
            if image.shape[1] != moments.shape[1]:
                raise ShapeError(
                    f"a batch of images has {image.shape[1]} channels, but means and stds have {moments.shape[1]} "
                    "values"
                )
            means, stds = moments.to(image.device).view(2, 1, -1, *(1,) * (image.ndim - 2))
            image.sub_(means).div_(stds)
        return batch
