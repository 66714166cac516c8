"""The errors of predicted quantities, added up over batches and devices."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torchmetrics import Metric

from isthmus.tasks.regression.declaration import SCORES
from isthmus.tasks.valid_pixels import match_shape, valid_pixels

_COUNT, _ABSOLUTE, _SQUARED, _MEAN, _DEVIATIONS = range(5)


class QuantityErrors(Metric):
    """What the scores of quantities follow from.

    For each quantity: how many pixels count, the sums of the absolute and of the squared errors, and the mean of the
    truth with the sum of the squared deviations from it, which are joined as Chan, Golub & LeVeque (1983) do: squares
    of large numbers never cancel. All is computed in float64, where the device has that, and kept as two float32 whose
    sum it is, which every device has.

    Args:
        quantities: how many there are.
        ignore_index: the value of what does not count; None where only NaN does not.
    """

    is_differentiable = False
    full_state_update = False
    parts: Tensor

    def __init__(self, quantities: int, ignore_index: float | None = None) -> None:
        super().__init__()
        self.quantities = quantities
        self.ignore_index = ignore_index
        self.add_state("parts", torch.zeros(2, 5, quantities), dist_reduce_fx=_join_devices)

    def update(self, prediction: Float[Tensor, "..."], target: Float[Tensor, "..."]) -> None:
        """Count a batch.

        Args:
            prediction: values `(B, Q, ...)`, or `(B, ...)` of a single quantity.
            target: the same, NaN where nothing is known.

        Raises:
            ShapeError: the two do not cover the same.
        """
        target = match_shape(target, prediction.shape)
        here = torch.device("cpu") if prediction.device.type == "mps" else prediction.device  # which has no float64
        valid = self._by_quantity(valid_pixels(target, self.ignore_index).to(here))
        predicted, true = (self._by_quantity(values.to(here)) for values in (prediction.detach(), target))
        moments = [_moments(predicted[:, k][valid[:, k]], true[:, k][valid[:, k]]) for k in range(self.quantities)]
        self.parts = _split(_joined(_whole(self.parts), torch.stack(moments, 1).cpu())).to(self.parts.device)

    def compute(self) -> Float[Tensor, "sums quantities"]:
        """The sums over all batches and devices, float64."""
        return _whole(self.parts)

    def _by_quantity(self, values: Tensor) -> Tensor:
        """Values as `(B, Q, pixels)`."""
        return values.reshape(len(values), self.quantities, -1)


def quantity_scores(sums: Float[Tensor, "sums quantities"]) -> dict[str, Float[Tensor, " quantities"]]:
    """The scores of each quantity, from what `QuantityErrors` gives; NaN of a quantity without a pixel.

    R2_Score is one minus the squared error over the squared deviation of the truth from its mean. Where the truth is
    the same everywhere there is nothing to explain, and it is NaN.
    """
    count, deviations = sums[_COUNT], sums[_DEVIATIONS]
    squared = sums[_SQUARED] / count  # NaN where nothing counts
    explained = (1 - sums[_SQUARED] / deviations).masked_fill(deviations <= 0, torch.nan)
    return dict(zip(SCORES, (squared.sqrt(), squared, sums[_ABSOLUTE] / count, explained), strict=True))


def overall_scores(sums: Float[Tensor, "sums quantities"]) -> dict[str, Float[Tensor, ""]]:
    """The scores over all quantities: errors over all that counts, and the mean R2_Score of those that have one."""
    pooled = quantity_scores(sums.sum(1, keepdim=True))
    return {name: values.squeeze() for name, values in pooled.items()} | {
        SCORES[-1]: quantity_scores(sums)[SCORES[-1]].nanmean()
    }


def _moments(predicted: Tensor, true: Tensor) -> Tensor:
    """The sums of one quantity in a batch, from the pixels that count."""
    if not len(true):
        return torch.zeros(5, dtype=torch.float64, device=true.device)
    predicted, true = predicted.double(), true.double()
    errors, shifted = predicted - true, true - true[0]  # so that a truth without variance has exactly none
    mean = shifted.mean()
    deviations = (shifted - mean).square().sum()
    count = torch.full_like(mean, len(true))
    return torch.stack([count, errors.abs().sum(), errors.square().sum(), true[0] + mean, deviations])


def _joined(first: Tensor, second: Tensor) -> Tensor:
    """The sums of two sets of pixels together."""
    count = first[_COUNT] + second[_COUNT]
    share = second[_COUNT] / count.clamp_min(1)
    apart = torch.where(first[_COUNT] > 0, second[_MEAN] - first[_MEAN], 0)
    mean = torch.where(first[_COUNT] > 0, first[_MEAN] + apart * share, second[_MEAN])
    total = first + second
    total[_MEAN] = mean
    total[_DEVIATIONS] += apart.square() * first[_COUNT] * share
    return total


def _join_devices(parts: Float[Tensor, "devices 2 sums quantities"]) -> Tensor:
    sums: Sequence[Tensor] = [_whole(each) for each in parts]
    total = sums[0]
    for each in sums[1:]:
        total = _joined(total, each)
    return _split(total).to(parts.device)


def _whole(parts: Float[Tensor, "2 sums quantities"]) -> Tensor:
    return parts.cpu().double().sum(0)


def _split(values: Tensor) -> Tensor:
    coarse = values.float()
    return torch.stack([coarse, (values - coarse.double()).float()])
