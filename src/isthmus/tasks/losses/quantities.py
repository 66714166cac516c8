"""Losses of quantities: numbers of every pixel or of every image.

All of them take a prediction and a target of one shape, such as `(B, H, W)` or `(B, Q, H, W)`, leave out the elements
that do not count (where the target is NaN or holds the ignored value), and are 0 with a gradient of 0 where none does.
"""

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from isthmus.errors import ShapeError
from isthmus.tasks.valid_pixels import valid_pixels


class QuantityLoss(nn.Module, ABC):
    """A mean over the elements that count.

    Args:
        ignore_index: the value of elements that do not count; None where only NaN does not.
    """

    def __init__(self, ignore_index: float | None = None) -> None:
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]) -> Float[Tensor, ""]:
        """The loss of a batch, in float32.

        Raises:
            ShapeError: prediction and target have different shapes.
        """
        if prediction.shape != target.shape:
            raise ShapeError(
                f"the prediction has the shape {tuple(prediction.shape)} and the target {tuple(target.shape)}; they "
                "must be equal"
            )
        valid = valid_pixels(target, self.ignore_index)
        errors = (prediction.float() - target.masked_fill(~valid, 0).float()).masked_fill(~valid, 0)
        return self.reduced(self.of_error(errors).sum() / valid.sum().clamp_min(1))

    @abstractmethod
    def of_error(self, errors: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """The loss of each element from prediction minus target; 0 where that is 0."""

    def reduced(self, mean: Float[Tensor, ""]) -> Float[Tensor, ""]:
        """The loss from the mean of those of the elements."""
        return mean


class MeanSquaredError(QuantityLoss):
    """The mean squared error."""

    def of_error(self, errors: Tensor) -> Tensor:  # noqa: D102
        return errors.square()


class MeanAbsoluteError(QuantityLoss):
    """The mean absolute error."""

    def of_error(self, errors: Tensor) -> Tensor:  # noqa: D102
        return errors.abs()


class RootMeanSquaredError(MeanSquaredError):
    """The root of the mean squared error over the whole batch. Its gradient is 0 where the error is."""

    def reduced(self, mean: Tensor) -> Tensor:  # noqa: D102
        perfect = mean == 0  # where the root has no derivative
        return torch.where(perfect, mean, torch.where(perfect, 1.0, mean).sqrt())


class HuberLoss(QuantityLoss):
    """The mean of an error that is squared near 0 and absolute beyond (Huber 1964).

    Args:
        ignore_index: the value of elements that do not count; None where only NaN does not.
        delta: where one turns into the other.
    """

    def __init__(self, ignore_index: float | None = None, delta: float = 1.0) -> None:
        super().__init__(ignore_index)
        self.delta = delta

    def of_error(self, errors: Tensor) -> Tensor:  # noqa: D102
        return F.huber_loss(errors, torch.zeros_like(errors), reduction="none", delta=self.delta)
