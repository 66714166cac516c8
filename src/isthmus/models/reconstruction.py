"""The contract of a model that learns by reconstructing its own input."""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

from torch import Tensor

from isthmus.models.statements import Stated


class Reconstruction(NamedTuple):
    """What such a model gives.

    Attributes:
        loss: what is to be made small in training, one number.
        image: the reconstructed images, in the shape of the input.
        mask: one where a pixel was hidden from the model and zero where it was seen, in the shape of the input without
            its bands.
    """

    loss: Tensor
    image: Tensor
    mask: Tensor


class ReconstructionModel(ABC, Stated):
    """A model that is given images and reconstructs them."""

    @abstractmethod
    def forward(self, x: Any, *args: Any, **kwargs: Any) -> Reconstruction:
        """Reconstruct a batch of images, `(B, C, H, W)` or `(B, C, T, H, W)`, of which a part is hidden.

        The keywords are what else a sample holds, such as coordinates.
        """
