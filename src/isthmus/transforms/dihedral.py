"""Flips and quarter turns: what leaves an overhead image an overhead image."""

from typing import Any

import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional


class RandomD4(v2.Transform):
    """One of the eight symmetries of the square, each equally likely; exact, nothing is interpolated.

    Images that are not square keep their shape: only the four symmetries of the rectangle are drawn.
    """

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw a symmetry."""
        height, width = functional.get_size(flat_inputs[0])
        step = 90 if height == width else 180
        turns = int(torch.randint(360 // step, ()))
        return {"flip": bool(torch.randint(2, ())), "angle": turns * step}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Apply the symmetry to one part of a sample."""
        flipped = functional.horizontal_flip(inpt) if params["flip"] else inpt
        return functional.rotate(flipped, params["angle"]) if params["angle"] else flipped
