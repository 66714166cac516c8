"""Losses of classes: one of K is true, of every pixel or of every image.

All of them take logits `(B, K, H, W)` and labels `(B, H, W)`, or `(B, K)` and `(B,)`, leave out the pixels that do not
count, weight the classes when weights are given, and are 0 with a gradient of 0 where no pixel counts. What is said of
pixels holds for images that have a label each.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

from isthmus.errors import ArgumentError, ShapeError
from isthmus.tasks.valid_pixels import class_labels

_EPS = 1e-7


class ClassLoss(nn.Module, ABC):
    """A loss between logits and class labels.

    Args:
        ignore_index: the label of pixels that do not count; None where all do.
        class_weights: how much each class counts, one number a class; None for all the same.
    """

    class_weights: Tensor | None

    def __init__(self, ignore_index: int | None = None, class_weights: Sequence[float] | None = None) -> None:
        super().__init__()
        self.ignore_index = ignore_index
        weights = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32)
        self.register_buffer("class_weights", weights, persistent=False)

    def forward(
        self, prediction: Float[Tensor, "batch classes *space"], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, ""]:
        """The loss of a batch, in float32.

        Raises:
            ShapeError: prediction and target do not cover the same pixels.
            LabelError: a label lies outside the classes.
            ArgumentError: the number of weights is not the number of classes.
        """
        if prediction.ndim < 2:
            raise ShapeError(f"the prediction has the shape {tuple(prediction.shape)}; expected (B, K, H, W) or (B, K)")
        classes = prediction.shape[1]
        if self.class_weights is not None and len(self.class_weights) != classes:
            raise ArgumentError(f"{len(self.class_weights)} class_weights are given for {classes} classes")
        shape = (prediction.shape[0], *prediction.shape[2:])
        labels, valid = class_labels(target, shape, classes, self.ignore_index)
        return self.compute(prediction.float(), labels, valid)

    @abstractmethod
    def compute(
        self,
        logits: Float[Tensor, "batch classes *space"],
        labels: Int[Tensor, "batch *space"],
        valid: Bool[Tensor, "batch *space"],
    ) -> Float[Tensor, ""]:
        """The loss over the pixels that are `valid`; `labels` are classes everywhere."""

    def weighted_mean(
        self, losses: Float[Tensor, " classes"], present: Bool[Tensor, " classes"] | None = None
    ) -> Float[Tensor, ""]:
        """The mean of one loss a class, over the classes that are `present` (all of them by default)."""
        weights = torch.ones_like(losses) if self.class_weights is None else self.class_weights
        if present is not None:
            weights = weights * present
        return (losses * weights).sum() / weights.sum().clamp_min(_EPS)


class CrossEntropyLoss(ClassLoss):
    """Cross-entropy, averaged over the pixels with the weight of their class."""

    def compute(self, logits: Tensor, labels: Tensor, valid: Tensor) -> Tensor:  # noqa: D102
        ignored = -100  # what torch leaves out; no class has a negative label
        targets = labels.masked_fill(~valid, ignored)
        total = F.cross_entropy(logits, targets, self.class_weights, ignore_index=ignored, reduction="sum")
        weights = valid if self.class_weights is None else self.class_weights[labels] * valid
        return total / weights.sum().clamp_min(_EPS)


class BinaryCrossEntropyLoss(ClassLoss):
    """One-against-all binary cross-entropy, averaged over pixels and, with their weights, over classes."""

    def compute(self, logits: Tensor, labels: Tensor, valid: Tensor) -> Tensor:  # noqa: D102
        truth = _membership(labels, valid, logits.shape[1])
        entropy = F.binary_cross_entropy_with_logits(logits, truth.to(logits.dtype), reduction="none")
        total = (entropy * valid.unsqueeze(1)).sum([0, *range(2, logits.ndim)])
        return self.weighted_mean(total / valid.sum().clamp_min(1))


class _OverlapLoss(ClassLoss):
    """One minus a score of overlap for each class; classes without a labelled pixel contribute 0 to the mean.

    Args:
        ignore_index: the label of pixels that do not count; None where all do.
        class_weights: how much each class counts, one number a class; None for all the same.
        smooth: pixels that are added to both sides of the ratio, so that small classes weigh less.
    """

    def __init__(
        self, ignore_index: int | None = None, class_weights: Sequence[float] | None = None, smooth: float = 0.0
    ) -> None:
        super().__init__(ignore_index, class_weights)
        self.smooth = smooth

    def compute(self, logits: Tensor, labels: Tensor, valid: Tensor) -> Tensor:
        truth = _membership(labels, valid, logits.shape[1])
        probabilities = logits.softmax(1) * valid.unsqueeze(1)
        axes = [0, *range(2, logits.ndim)]
        predicted, labelled = probabilities.sum(axes), truth.sum(axes)
        overlap = (probabilities * truth).sum(axes)
        return self.weighted_mean((1 - self.score(overlap, predicted, labelled)) * (labelled > 0))

    @abstractmethod
    def score(self, overlap: Tensor, predicted: Tensor, labelled: Tensor) -> Tensor:
        """The score of each class from its overlap and its two sizes."""


class DiceLoss(_OverlapLoss):
    """One minus the soft Dice coefficient (Milletari et al. 2016, V-Net), over the whole batch."""

    def score(self, overlap: Tensor, predicted: Tensor, labelled: Tensor) -> Tensor:  # noqa: D102
        return (overlap + 0.5 * self.smooth) / (0.5 * (predicted + labelled + self.smooth)).clamp_min(_EPS)


class JaccardLoss(_OverlapLoss):
    """One minus the soft Jaccard index (intersection over union), over the whole batch."""

    def score(self, overlap: Tensor, predicted: Tensor, labelled: Tensor) -> Tensor:  # noqa: D102
        return (overlap + self.smooth) / (predicted + labelled - overlap + self.smooth).clamp_min(_EPS)


class FocalLoss(ClassLoss):
    """One-against-all focal loss (Lin et al. 2017), normalised by the sum of its focal terms.

    As in segmentation-models-pytorch, the normalised terms (Leng et al. 2019, arXiv:1909.07829) are averaged over the
    pixels once more. The value is therefore about the number of pixels smaller than a cross-entropy: beside another
    loss it needs a large weight.

    Args:
        ignore_index: the label of pixels that do not count; None where all do.
        class_weights: how much each class counts, one number a class; None for all the same.
        gamma: the exponent of the focal terms.
    """

    def __init__(
        self, ignore_index: int | None = None, class_weights: Sequence[float] | None = None, gamma: float = 2.0
    ) -> None:
        super().__init__(ignore_index, class_weights)
        self.gamma = gamma

    def compute(self, logits: Tensor, labels: Tensor, valid: Tensor) -> Tensor:  # noqa: D102
        truth = _membership(labels, valid, logits.shape[1])
        entropy = F.binary_cross_entropy_with_logits(logits, truth.to(logits.dtype), reduction="none")
        focus = (1 - torch.exp(-entropy)) ** self.gamma * valid.unsqueeze(1)
        axes = [0, *range(2, logits.ndim)]
        total, norm = (focus * entropy).sum(axes), focus.sum(axes).clamp_min(1e-6)
        return self.weighted_mean(total / norm / valid.sum().clamp_min(1))


class LovaszLoss(ClassLoss):
    """Lovász-Softmax (Berman et al. 2018), over the whole batch and the classes that are labelled in it."""

    def compute(self, logits: Tensor, labels: Tensor, valid: Tensor) -> Tensor:  # noqa: D102
        probabilities = logits.softmax(1)
        present = _membership(labels, valid, logits.shape[1]).movedim(1, 0).flatten(1).any(1)
        losses = [0 * logits.sum()] * len(
            present
        )  # a zero that hangs on the logits: absent classes have a gradient too
        for index in present.nonzero().flatten().tolist():
            truth = (labels == index) & valid
            errors = (truth.to(logits.dtype) - probabilities[:, index]).abs() * valid
            losses[index] = _lovasz_extension(errors.flatten(), truth.flatten())
        return self.weighted_mean(torch.stack(losses), present)


def _lovasz_extension(errors: Float[Tensor, " pixels"], truth: Bool[Tensor, " pixels"]) -> Float[Tensor, ""]:
    """The Lovász extension of the Jaccard loss of one class. Pixels without an error add nothing."""
    ordered, order = errors.sort(descending=True)
    truth = truth[order]
    intersection = truth.sum() - truth.cumsum(0)
    union = truth.sum() + (~truth).cumsum(0)
    jaccard = 1 - intersection / union
    return torch.dot(ordered, jaccard.diff(prepend=jaccard.new_zeros(1)))


def _membership(labels: Tensor, valid: Tensor, classes: int) -> Tensor:
    """Whether a pixel counts and is of a class, `(B, K, H, W)`."""
    index = torch.arange(classes, device=labels.device).view(1, -1, *[1] * (labels.ndim - 1))
    return (labels.unsqueeze(1) == index) & valid.unsqueeze(1)
