"""Masks that move with the image, and the pixels that a transform leaves empty in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torchvision import tv_tensors

from isthmus.errors import LabelError

_COVER = "where the mask is known"


@dataclass(frozen=True, slots=True)
class MovingMask:
    """A mask `(H, W)` that moves with the image.

    Transforms fill masks with 0, a class; a second mask of ones that moves along tells where they did.

    Attributes:
        fill: what empty pixels become; where None, leaving any empty is an error.
    """

    fill: float | None = None

    def wrap(self, sample: Mapping[str, Any], *, leaves_gaps: bool) -> dict[str, Any]:
        """The mask, and where it is known."""
        if "mask" not in sample:
            return {}
        mask = sample["mask"]
        cover = {_COVER: tv_tensors.Mask(torch.ones_like(mask, dtype=torch.uint8))} if leaves_gaps else {}
        return {"mask": tv_tensors.Mask(mask), **cover}

    def unwrap(self, moved: dict[str, Any]) -> dict[str, Any]:
        """The sample with its mask.

        Raises:
            LabelError: the transform left pixels empty and nothing says what they become.
        """
        if "mask" not in moved:
            return moved
        mask = moved["mask"].as_subclass(Tensor)
        if _COVER in moved:
            empty = moved.pop(_COVER).as_subclass(Tensor) == 0
            if empty.any():
                mask = self._filled(mask, empty, moved)
        return {**moved, "mask": mask}

    def _filled(self, mask: Tensor, empty: Tensor, sample: Mapping[str, Any]) -> Tensor:
        if self.fill is None:
            raise LabelError(
                f"the transform left {int(empty.sum())} pixel(s) of the label of "
                f"{sample.get('filename', 'a sample')} empty; set no_label_replace to the value that they take, "
                "the ignore_index of the task"
            )
        return mask.masked_fill(empty, self.fill)
