"""A transform applied to a whole sample, so that image and label stay together."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from isthmus.errors import LabelError

_UNCLAIMED = -(2**20)  # no class, and exact in the float32 that torchvision resamples in

Transform = Callable[[dict[str, Any]], dict[str, Any]]


class SampleTransform:
    """Applies transforms of `torchvision.transforms.v2` (or any callable on a dictionary) to samples.

    Masks are resampled with the nearest neighbour. Where a transform leaves pixels empty, as a rotation does in the
    corners, images get the transform's own fill (0, in the units of the file) and masks a value that is ignored, never
    a class: a transform whose `fill` is a dictionary by type says itself what masks get.

    Args:
        transforms: one transform, or several to apply one after the other.
        mask_fill: what empty pixels of a mask become; where None, leaving any empty is an error.
    """

    def __init__(self, transforms: Transform | Sequence[Transform], mask_fill: int | None = None) -> None:
        self.transform: Transform = transforms if callable(transforms) else v2.Compose(list(transforms))
        self.mask_fill = mask_fill
        fills = [part.fill for part in _parts(self.transform) if hasattr(part, "fill")]
        self._shifts_masks = bool(fills) and not any(isinstance(fill, dict) for fill in fills)

    def __call__(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Transform `image`, `(..., H, W)`, and `mask`, `(H, W)`, where there is one; other keys are handed through.

        Raises:
            LabelError: the transform left pixels of the mask empty and no `mask_fill` is given.
        """
        wrapped = {**sample, "image": tv_tensors.Image(sample["image"])}
        zero = 0 if not self._shifts_masks else _UNCLAIMED if self.mask_fill is None else self.mask_fill
        if "mask" in sample:
            # Transforms fill masks with 0 unless told otherwise, so 0 is made to mean "ignored" while they run.
            wrapped["mask"] = tv_tensors.Mask(sample["mask"] - zero if zero else sample["mask"])
        result = self.transform(wrapped)
        result["image"] = _plain(result["image"])
        if "mask" in result:
            mask = _plain(result["mask"])
            if zero == _UNCLAIMED and bool((mask == 0).any()):
                raise LabelError(
                    f"the transform left {int((mask == 0).sum())} pixel(s) of the label of "
                    f"{sample.get('filename', 'a sample')} empty; set no_label_replace to the value that they take, "
                    "the ignore_index of the task"
                )
            result["mask"] = mask + zero if zero else mask
        return result


def _parts(transform: Any) -> Iterator[Any]:
    """A transform and all those inside it; torchvision's containers hold theirs in plain lists."""
    yield transform
    for part in getattr(transform, "transforms", ()):
        yield from _parts(part)


def _plain(tensor: Tensor) -> Tensor:
    return tensor.as_subclass(torch.Tensor)
