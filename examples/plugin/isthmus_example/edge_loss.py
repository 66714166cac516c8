"""A loss of classes that looks at outlines."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from isthmus.tasks.losses.classes import ClassLoss


class EdgeLoss(ClassLoss):
    """Cross-entropy in which pixels at the outline of a class weigh more.

    Args:
        ignore_index: see `ClassLoss`.
        class_weights: see `ClassLoss`.
        edge: what such a pixel weighs beside 1 for the others.
    """

    compares = ("classes",)

    def __init__(
        self, ignore_index: int | None = None, class_weights: Sequence[float] | None = None, edge: float = 4.0
    ) -> None:
        super().__init__(ignore_index, class_weights)
        self.edge = edge

    def compute(self, logits: Tensor, labels: Tensor, valid: Tensor) -> Tensor:
        """The mean over the pixels that are `valid`."""
        around = F.max_pool2d(labels.float(), 3, 1, 1), -F.max_pool2d(-labels.float(), 3, 1, 1)
        weights = (1 + (self.edge - 1) * (around[0] != around[1])) * valid
        losses = F.cross_entropy(logits, labels, self.class_weights, reduction="none")
        return (losses * weights).sum() / weights.sum().clamp_min(1)
