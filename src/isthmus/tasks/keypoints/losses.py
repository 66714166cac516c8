"""Losses between predicted and true confidence maps."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.errors import ShapeError
from isthmus.models.map_stride import map_stride
from isthmus.tasks.criteria import Loss, build_criterion, losses_by_name
from isthmus.tasks.keypoints.declaration import KEYPOINTS, OFFSET_PARTS
from isthmus.tasks.keypoints.targets import PointTarget, confidence_maps, offset_maps


class BalancedSquaredError(nn.Module):
    """A mean squared error in which a cell without a point weighs sqrt(F / E), where one on a point weighs 1.

    F is the confidence of all true maps together, and E what is left to 1: a cell belongs to a point as far as its
    confidence says. In a plain mean a small point in a large map weighs next to nothing beside all that is empty: a
    network then learns to answer 0 everywhere, for long or for good. With F / E both sides weigh the same, but where
    the network is not sure, it marks too much; the root is half-way. The minimum is the same: the true maps.
    """

    def forward(
        self,
        prediction: Float[Tensor, "batch points height width"],
        target: Float[Tensor, "batch points height width"],
    ) -> Float[Tensor, ""]:
        """The loss of a batch. Where it holds less than one cell of points, as much is assumed."""
        empty = 1 - target
        share = target.sum().clamp_min(1) / empty.sum().clamp_min(1)
        weights = target + share.sqrt() * empty
        return (weights * (prediction - target).square()).sum() / weights.sum()


class KeypointCriterion(nn.Module):
    """Draws the maps of the true points at the stride of a prediction, and compares.

    Args:
        loss: a loss of confidence, or several, see `build_criterion`; a module is called with predicted and true maps.
        num_points: how many maps of confidence there are.
        sigma: see `confidence_maps`.
        offsets: whether the prediction holds offsets as well, `2 K` channels behind the K of the confidence. They are
            compared by absolute error in units of sigma, where the true confidence is above 0.2.

    Raises:
        ArgumentError: the loss is not known.
    """

    def __init__(self, loss: Loss, num_points: int, sigma: float, *, offsets: bool = False) -> None:
        super().__init__()
        self.loss = build_criterion(loss, KEYPOINTS.compares)
        self.num_points, self.sigma, self.offsets = num_points, sigma, offsets

    def forward(
        self, prediction: Float[Tensor, "batch maps height width"], target: PointTarget
    ) -> Tensor | dict[str, Tensor]:
        """The loss of a batch, in float32; with offsets, also its two parts.

        Raises:
            ShapeError: the number of maps or their stride does not fit.
        """
        expected = (3 if self.offsets else 1) * self.num_points
        if prediction.shape[1] != expected:
            raise ShapeError(f"the model gives {prediction.shape[1]} maps; {expected} were expected")
        size = tuple(prediction.shape[-2:])
        drawing = (target.points.float(), size, map_stride(target.image_size, size), self.sigma)
        prediction = prediction.float()
        loss: Tensor | dict[str, Tensor] = self.loss(prediction[:, : self.num_points], confidence_maps(*drawing))
        if not self.offsets:
            return loss
        confidence = losses_by_name(loss)["loss"]
        offset = self._offset_loss(prediction[:, self.num_points :].unflatten(1, (-1, 2)), offset_maps(*drawing))
        parts = dict(zip(OFFSET_PARTS, (confidence, offset), strict=True))
        return {**losses_by_name(loss), **parts, "loss": confidence + offset}

    def _offset_loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        known = ~target.isnan()
        errors = F.l1_loss(prediction, torch.where(known, target, 0.0), reduction="none") * known
        return errors.sum() / known.sum().clamp_min(1) / self.sigma
