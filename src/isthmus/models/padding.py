"""Padding images to the sizes that an encoder can cut into patches, and cropping results back."""

import math
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Shaped
from torch import Tensor
from torch.nn import functional

from isthmus.errors import ShapeError


def image_size(x: Tensor | Mapping[str, Tensor]) -> tuple[int, int]:
    """Height and width of a batch of images, or of the largest of its modalities.

    Args:
        x: `(B, C, H, W)` or `(B, C, T, H, W)`, or a dict of such by modality, where what has fewer dimensions is no
            image.

    Raises:
        ShapeError: there is no image among the inputs.
    """
    modalities = {"image": x} if isinstance(x, Tensor) else x
    images = {name: tensor for name, tensor in modalities.items() if tensor.ndim >= 4}
    if not images:
        given = tuple(x.shape) if isinstance(x, Tensor) else {name: tuple(tensor.shape) for name, tensor in x.items()}
        raise ShapeError(f"no image among the inputs {given}; images are (B, C, H, W) or (B, C, T, H, W)")
    height, width = max((tensor.shape[-2:] for tensor in images.values()), key=math.prod)
    return int(height), int(width)


def pad_images(
    x: Shaped[Tensor, "..."] | Mapping[str, Tensor], multiple: int | Sequence[int], mode: str = "reflect"
) -> Tensor | dict[str, Tensor]:
    """Pad images on both sides until height and width are multiples of `multiple`.

    Frames are padded at the end. Where an image is smaller than the reflection that it would need, its border is
    replicated instead.

    Args:
        x: `(..., H, W)`, with frames `(B, C, T, H, W)`, or a dict of such by modality.
        multiple: one number, `[height, width]`, or `[frames, height, width]`.
        mode: reflect, replicate, constant (zeros) or circular.

    Raises:
        ShapeError: frames are to be padded, but there is no time axis; or `multiple` has more than three numbers.
    """
    if not isinstance(x, Tensor):
        return {name: _pad(tensor, multiple, mode) if tensor.ndim >= 4 else tensor for name, tensor in x.items()}
    return _pad(x, multiple, mode)


def crop_centre(x: Shaped[Tensor, "..."], size: tuple[int, int]) -> Tensor:
    """The middle of `(..., H, W)`, as large as `size`: what `pad_images` added on both sides is gone again.

    Raises:
        ShapeError: `size` is larger than the image.
    """
    if size[0] > x.shape[-2] or size[1] > x.shape[-1]:
        raise ShapeError(f"{size} cannot be cropped from {tuple(x.shape[-2:])} (height, width)")
    top = (x.shape[-2] - size[0]) // 2
    left = (x.shape[-1] - size[1]) // 2
    return x[..., top : top + size[0], left : left + size[1]]


def _pad(x: Tensor, multiple: int | Sequence[int], mode: str) -> Tensor:
    frames, height, width = _as_three(multiple)
    if frames > 1 and x.ndim < 5:
        raise ShapeError(
            f"frames are to be padded to a multiple of {frames}, but the images have no time axis: {tuple(x.shape)}; "
            "expected (B, C, T, H, W)"
        )
    missing_frames = -x.shape[2] % frames if x.ndim == 5 else 0
    vertical, horizontal = -x.shape[-2] % height, -x.shape[-1] % width
    if not (missing_frames or vertical or horizontal):
        return x
    x = _pad_plane(x, vertical, horizontal, mode)
    return _pad_frames(x, missing_frames, mode) if missing_frames else x


def _pad_plane(x: Tensor, vertical: int, horizontal: int, mode: str) -> Tensor:
    top, left = vertical // 2, horizontal // 2
    amounts = (left, horizontal - left, top, vertical - top)
    if mode == "reflect" and (amounts[1] >= x.shape[-1] or amounts[3] >= x.shape[-2]):
        mode = "replicate"
    planes = x.reshape(-1, 1, *x.shape[-2:])  # padding by mode works on four dimensions only
    padded = functional.pad(planes, amounts, mode=mode)
    return padded.reshape(*x.shape[:-2], *padded.shape[-2:])


def _pad_frames(x: Tensor, missing: int, mode: str) -> Tensor:
    count = x.shape[2]
    if mode == "constant":
        return functional.pad(x, (0, 0, 0, 0, 0, missing))
    if mode == "reflect" and missing < count:
        extra = torch.arange(count - 2, count - 2 - missing, -1, device=x.device)
    elif mode == "circular":
        extra = torch.arange(missing, device=x.device) % count
    else:
        extra = torch.full((missing,), count - 1, device=x.device)
    return torch.cat([x, x.index_select(2, extra)], dim=2)


def _as_three(multiple: int | Sequence[int]) -> tuple[int, int, int]:
    numbers = [multiple] if isinstance(multiple, int) else [int(number) for number in multiple]
    if len(numbers) == 1:
        return 1, numbers[0], numbers[0]
    if len(numbers) == 2:
        return 1, numbers[0], numbers[1]
    if len(numbers) == 3:
        return numbers[0], numbers[1], numbers[2]
    raise ShapeError(f"the patch size {multiple!r} is not valid: give one, two (height, width) or three numbers")
