"""Mean intersection over union along the boundaries of the classes."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor
from torchmetrics import Metric

from isthmus.tasks.valid_pixels import class_labels


class BoundaryMeanIoU(Metric):
    """How well the outlines of the classes agree, after Boundary IoU (Cheng et al. 2021).

    The boundary of a class is where its dilation and its erosion with a square window differ: a band on both sides of
    its outline. Intersection and union of the predicted and the true bands are counted over all batches; the score is
    the mean of their ratio over the classes that have a boundary, 0 where none has. Class 0, the background, is left
    out. Pixels that do not count belong to no class, neither in the truth nor in the prediction, and are left out of
    both bands.

    Args:
        num_classes: the number of classes, with the background.
        ignore_index: the label of pixels that do not count; None where all do.
        width: how far the band reaches to each side of the outline, in pixels.
    """

    is_differentiable = False
    full_state_update = False
    intersection: Tensor
    union: Tensor

    def __init__(self, num_classes: int, ignore_index: int | None = None, width: int = 2) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.ignore_index = ignore_index
        self.width = width
        for name in ("intersection", "union"):
            self.add_state(name, torch.zeros(num_classes, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, prediction: Int[Tensor, "batch height width"], target: Tensor) -> None:
        """Count the boundaries of a batch of class maps.

        Raises:
            ShapeError: prediction and target do not cover the same pixels.
            LabelError: a true class lies outside the classes.
        """
        labels, valid = class_labels(target, prediction.shape, self.num_classes, self.ignore_index)
        for index in torch.unique(torch.cat([labels[valid], prediction[valid].long()])).tolist():
            if index == 0:
                continue
            predicted = self._band((prediction == index) & valid) & valid
            true = self._band((labels == index) & valid) & valid
            self.intersection[index] += (predicted & true).sum()
            self.union[index] += (predicted | true).sum()

    def compute(self) -> Float[Tensor, ""]:
        """The mean over the classes that have a boundary."""
        found = self.union > 0
        ratios = self.intersection[found] / self.union[found]
        return ratios.mean() if len(ratios) else ratios.new_zeros(())

    def _band(self, region: Tensor) -> Tensor:
        """Where the window holds pixels of the region and others: inside its dilation, outside its erosion."""
        share = F.avg_pool2d(
            region.unsqueeze(1).float(), 2 * self.width + 1, stride=1, padding=self.width, count_include_pad=False
        ).squeeze(1)
        return (share > 0) & (share < 1)
