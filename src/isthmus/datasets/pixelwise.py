"""Samples of an image with a label per pixel: what segmentation and regression have in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt
import torch

from isthmus.datasets.image_dataset import ImageDataset
from isthmus.datasets.pairing import Sample
from isthmus.errors import DataError


class PixelwiseDataset(ImageDataset, ABC):
    """Images with a label per pixel: a sample also has `mask`, `(H, W)`, where there is a label.

    The arguments are those of `ImageDataset`.
    """

    @abstractmethod
    def read_mask(self, path: Path) -> npt.NDArray[Any]:
        """Read a label, `(height, width)`."""

    def read_files(self, sample: Sample) -> dict[str, Any]:
        """Read an image and its label.

        Raises:
            DataError: the two differ in size, or a file cannot be used.
        """
        item = super().read_files(sample)
        if sample.label is None:
            return item
        mask, size = self.read_mask(sample.label), tuple(item["image"].shape[-2:])
        if mask.shape != size:
            raise DataError(
                f"{sample.image} is {_show(size)} pixels (height x width), but its label {sample.label} is "
                f"{_show(mask.shape)}; they must be equal"
            )
        return {**item, "mask": torch.from_numpy(mask)}


def _show(shape: Sequence[int]) -> str:
    return " x ".join(str(size) for size in shape)
