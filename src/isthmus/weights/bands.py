"""Fitting the first layer of a pretrained encoder to images of other bands."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from isthmus.errors import ArgumentError, WeightsError, did_you_mean

NEW_BANDS = ("mean", "random")


def fit_bands(
    weight: Float[Tensor, "channels pretrained_bands *patch"],
    pretrained_bands: Sequence[str | int],
    bands: Sequence[str | int],
    initial: Float[Tensor, "initial_channels bands *initial_patch"],
    source: str,
    new_bands: str | None = None,
) -> tuple[Float[Tensor, "channels bands *patch"], str | None]:
    """Make the weights of a first layer for `bands` from those for `pretrained_bands`, band by band and by name.

    Args:
        weight: the pretrained weights, one slice along the second axis per band.
        pretrained_bands: the band of each slice.
        bands: the bands of the images, in order.
        initial: the untrained weights, from which slices are taken for `new_bands` "random".
        source: the file, for errors.
        new_bands: what bands without a slice get: "mean", the mean of all slices, or "random". None is "mean", and an
            error where no band at all has a slice.

    Returns:
        The weights, and what was done in words; None where the bands are the same, in the same order.

    Raises:
        ArgumentError: another value of `new_bands`.
        WeightsError: sizes that do not fit, or no band in common and no `new_bands`.
    """
    if new_bands is not None and new_bands not in NEW_BANDS:
        hint = did_you_mean(new_bands, NEW_BANDS) or "; it is 'mean' or 'random'"
        raise ArgumentError(f"new_bands has no choice {new_bands!r}{hint}")
    _check_sizes(weight, pretrained_bands, initial, source)
    if list(bands) == list(pretrained_bands):
        return weight, None
    shared = [band for band in bands if band in pretrained_bands]
    new = [band for band in bands if band not in pretrained_bands]
    if not shared and new_bands is None:
        raise WeightsError(
            f"{source} was made for the bands {_listed(pretrained_bands)}, and none of them is among the bands of the "
            f"images: {_listed(bands)}. Name the bands that correspond, or choose new_bands: mean or random"
        )
    mean = weight.float().mean(dim=1).to(weight.dtype)
    slices = []
    for index, band in enumerate(bands):
        if band in pretrained_bands:
            slices.append(weight[:, list(pretrained_bands).index(band)])
        else:
            slices.append(initial[:, index].to(weight.dtype) if new_bands == "random" else mean)
    left_out = [band for band in pretrained_bands if band not in bands]
    return torch.stack(slices, dim=1), _account(shared, new, left_out, new_bands or "mean")


def _check_sizes(weight: Tensor, pretrained_bands: Sequence[str | int], initial: Tensor, source: str) -> None:
    if weight.ndim != initial.ndim or weight.shape[0] != initial.shape[0]:
        raise WeightsError(
            f"{source}: the first layer has the shape {tuple(weight.shape)}, which is that of another model; "
            f"{tuple(initial.shape)} was expected, but for the number of bands"
        )
    if weight.shape[2:] != initial.shape[2:]:
        raise WeightsError(
            f"{source} was made for patches of {tuple(weight.shape[2:])}, the encoder for {tuple(initial.shape[2:])}; "
            "weights are not resampled: give the patch_size of the weights"
        )
    if weight.shape[1] != len(pretrained_bands):
        raise WeightsError(
            f"{source} was made for {weight.shape[1]} bands, but pretrained_bands lists {len(pretrained_bands)}: "
            f"{_listed(pretrained_bands)}; list the bands of the weights there"
        )


def _account(
    shared: Sequence[str | int], new: Sequence[str | int], left_out: Sequence[str | int], new_bands: str
) -> str:
    parts = [f"{_listed(shared)} copied by name"] if shared else []
    if new:
        parts.append(f"{_listed(new)} " + ("at random" if new_bands == "random" else "set to the mean of all bands"))
    if left_out:
        parts.append(f"{_listed(left_out)} left out")
    return "; ".join(parts)


def _listed(bands: Sequence[str | int]) -> str:
    return ", ".join(str(band) for band in bands)
