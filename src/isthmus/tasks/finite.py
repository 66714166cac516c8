"""Numbers that are none: found where they do harm, and traced to the files that they come from."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from isthmus.errors import DataError, DivergenceError


def check_finite_loss(loss: Tensor, batch: Mapping[str, Any], image_key: str = "image") -> None:
    """Check that a loss is a number, and say which files are to blame where it is not.

    Raises:
        DataError: the images of the batch hold NaN or infinite values.
        DivergenceError: the images are fine, but the loss is not.
    """
    if torch.isfinite(loss):
        return
    check_finite_images(batch, image_key)
    raise DivergenceError(
        f"the loss is {loss.item()} on the batch {_named(_filenames(batch))}, whose images are finite; a lower "
        "learning rate, gradient clipping or a higher precision may help"
    )


def check_finite_images(batch: Mapping[str, Any], image_key: str = "image") -> None:
    """Check that the images of a batch hold numbers only.

    Raises:
        DataError: with the files that hold NaN or infinite values.
    """
    filenames = _filenames(batch)
    for name, image in _images(batch[image_key], image_key):
        finite = image.isfinite().flatten(1).all(1)
        if not finite.all():
            bad = (~finite).nonzero().flatten().tolist()
            files = [filenames[index] for index in bad] if filenames else [f"sample {index}" for index in bad]
            raise DataError(
                f"{name} holds NaN or infinite values in {_named(files)}; set no_data_replace in the datamodule to "
                "fill pixels without data"
            )


def _images(image: Tensor | Mapping[str, Tensor], key: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(image, Tensor):
        yield key, image
    else:
        yield from ((f"{key}[{name!r}]", each) for name, each in image.items())


def _filenames(batch: Mapping[str, Any]) -> Sequence[str]:
    return batch.get("filename") or ()


def _named(files: Sequence[str]) -> str:
    return ", ".join(str(name) for name in files) or "(without file names)"
