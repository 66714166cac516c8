"""A transform applied to a whole sample, so that its images and the truth about them stay together."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from isthmus.transforms.masks import MovingMask

Transform = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes and gives a sample."""


@runtime_checkable
class Moving(Protocol):
    """How what is known about an image moves with it through a transform."""

    def wrap(self, sample: Mapping[str, Any], *, leaves_gaps: bool) -> dict[str, Any]:
        """What goes through the transform beside the images, in types that torchvision moves.

        Args:
            sample: as it was before.
            leaves_gaps: whether the transform may leave pixels empty and fills them with 0.
        """

    def unwrap(self, moved: dict[str, Any]) -> dict[str, Any]:
        """The transformed sample with plain tensors again; what only helped on the way is taken out."""


class SampleTransform:
    """Applies transforms of `torchvision.transforms.v2` (or any callable on a dictionary) to samples.

    Masks are resampled with the nearest neighbour. Where a transform leaves pixels empty, as a rotation does in the
    corners, images get the transform's own fill (0, in the units of the file) and masks a value that is ignored, never
    a class: a transform whose `fill` is a dictionary by type says itself what masks get.

    Args:
        transforms: one transform, or several to apply one after the other.
        mask_fill: what empty pixels of a mask become; where None, leaving any empty is an error.
        targets: what moves with the image, where that is not a mask.
    """

    def __init__(
        self,
        transforms: Transform | Sequence[Transform],
        mask_fill: float | None = None,
        targets: Sequence[Moving] | None = None,
    ) -> None:
        self.transform: Transform = transforms if callable(transforms) else v2.Compose(list(transforms))
        self.targets = (MovingMask(mask_fill),) if targets is None else tuple(targets)
        fills = [part.fill for part in _parts(self.transform) if hasattr(part, "fill")]
        self._leaves_gaps = bool(fills) and not any(isinstance(fill, dict) for fill in fills)

    def moves(self, targets: Iterable[Moving]) -> bool:
        """Whether it moves targets of all these kinds."""
        kinds = {type(target) for target in self.targets}
        return all(type(target) in kinds for target in targets)

    def __call__(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Transform `image`, `(..., H, W)` or several of that size by modality, and what moves with it.

        Other keys are handed through.

        Raises:
            LabelError: the transform left pixels of the mask empty and no `mask_fill` is given.
        """
        wrapped = {**sample, "image": _each(tv_tensors.Image, sample["image"])}
        for target in self.targets:
            wrapped |= target.wrap(sample, leaves_gaps=self._leaves_gaps)
        result = self.transform(wrapped)
        result["image"] = _each(_plain, result["image"])
        for target in self.targets:
            result = target.unwrap(result)
        return result


def _parts(transform: Any) -> Iterator[Any]:
    """A transform and all those inside it; torchvision's containers hold theirs in plain lists."""
    yield transform
    for part in getattr(transform, "transforms", ()):
        yield from _parts(part)


def _each(function: Callable[[Tensor], Tensor], images: Any) -> Any:
    return {name: function(image) for name, image in images.items()} if isinstance(images, dict) else function(images)


def _plain(tensor: Tensor) -> Tensor:
    return tensor.as_subclass(torch.Tensor)


def size_of(images: Tensor | Mapping[str, Tensor]) -> tuple[int, int]:
    """Height and width of an image, or of the first of several."""
    image = next(iter(images.values())) if isinstance(images, Mapping) else images
    return int(image.shape[-2]), int(image.shape[-1])
