"""Which pixels count: the one path that every loss and every metric takes.

A pixel does not count where the target is NaN or holds the ignored value. A prediction and a target of different
shapes are an error, never broadcast against each other.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor

from isthmus.errors import LabelError, ShapeError


def match_shape(target: Shaped[Tensor, "..."], shape: Sequence[int]) -> Shaped[Tensor, "..."]:
    """The target in the shape of the prediction, `(B, H, W)`; a mask `(B, 1, H, W)` loses its channel axis.

    Args:
        target: the ground truth of a batch.
        shape: batch and space of the prediction, without its class axis.

    Raises:
        ShapeError: the target has any other shape.
    """
    shape = tuple(shape)
    if target.ndim == len(shape) + 1 and target.shape[1] == 1:
        target = target.squeeze(1)
    if tuple(target.shape) != shape:
        raise ShapeError(
            f"the target has the shape {tuple(target.shape)}, but the prediction covers {shape} (batch, then height "
            "and width); they must be equal"
        )
    return target


def valid_pixels(target: Shaped[Tensor, "*any"], ignore_index: float | None = None) -> Bool[Tensor, "*any"]:
    """Where the target counts: not NaN, and not `ignore_index`."""
    valid = ~target.isnan() if target.is_floating_point() else torch.ones_like(target, dtype=torch.bool)
    return valid if ignore_index is None else valid & (target != ignore_index)


def class_labels(
    target: Shaped[Tensor, "..."],
    shape: Sequence[int],
    num_classes: int,
    ignore_index: float | None = None,
    filenames: Sequence[str] | None = None,
) -> tuple[Int[Tensor, "..."], Bool[Tensor, "..."]]:
    """The class of every pixel, and which pixels count; pixels that do not count are given class 0.

    Args:
        target: class labels, `(B, H, W)` or `(B, 1, H, W)`.
        shape: batch and space of the prediction, without its class axis.
        num_classes: labels lie in `[0, num_classes)`.
        ignore_index: the label of pixels that do not count; None where all do.
        filenames: where the samples come from, for the message.

    Returns:
        The labels as int64 and the mask of the pixels that count, both in `shape`.

    Raises:
        ShapeError: the target does not cover what the prediction covers.
        LabelError: a pixel that counts has a label outside the classes.
    """
    target = match_shape(target, shape)
    valid = valid_pixels(target, ignore_index)
    labels = target.masked_fill(~valid, 0)
    if labels.numel() and not _all_classes(labels, num_classes):
        raise LabelError(_describe(labels, num_classes, ignore_index, filenames))
    return labels.long(), valid


def _all_classes(labels: Tensor, num_classes: int) -> bool:
    low, high = torch.stack(labels.aminmax()).tolist()  # one transfer from the device
    whole = not labels.is_floating_point() or bool((labels == labels.round()).all())
    return whole and low >= 0 and high < num_classes


def _describe(labels: Tensor, num_classes: int, ignore_index: float | None, filenames: Sequence[str] | None) -> str:
    outside = (labels < 0) | (labels >= num_classes) | (labels != labels.round())
    values, counts = labels[outside].unique(return_counts=True)
    what, pixels = ("mask", "pixels") if labels.ndim > 1 else ("label", "images")
    shown = [f"{value:g} ({count} {pixels})" for value, count in zip(values.tolist(), counts.tolist(), strict=True)]
    listed = ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")
    where = ""
    if filenames is not None and len(filenames) == len(labels):
        wrong = outside.reshape(len(labels), -1).any(1).tolist()
        found = [name for name, bad in zip(filenames, wrong, strict=True) if bad]
        where = " in " + ", ".join(found)
    ignored = "no label is ignored" if ignore_index is None else f"{ignore_index} is ignored"
    return (
        f"the {what} holds labels outside the {num_classes} classes{where}: {listed}; expected 0 to {num_classes - 1} "
        f"({ignored}). Set ignore_index to the label of unlabelled {pixels}, or num_classes to the number of classes"
    )
