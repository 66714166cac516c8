"""What an encoder of plain images holds against the shape of its input."""

from collections.abc import Sequence

from torch import Tensor

from isthmus.errors import ShapeError


def check_image(x: Tensor, bands: Sequence[str | int] | None, patch_size: tuple[int, int]) -> tuple[int, int]:
    """The number of patches along height and width of a batch of images `(B, C, H, W)`.

    Args:
        x: the images.
        bands: the bands that the encoder takes; None where it takes any number of them.
        patch_size: height and width of a patch.

    Raises:
        ShapeError: another number of axes or of bands, or a height or width that is no multiple of the patch.
    """
    if x.ndim != 4:
        raise ShapeError(f"the encoder takes images of shape (B, C, H, W), but was given {tuple(x.shape)}")
    if bands is not None and x.shape[1] != len(bands):
        names = ", ".join(str(band) for band in bands)
        raise ShapeError(
            f"the encoder takes {len(bands)} bands ({names}), but the image of shape {tuple(x.shape)} has {x.shape[1]}"
        )
    height, width = x.shape[2] // patch_size[0], x.shape[3] // patch_size[1]
    if not height or not width or x.shape[2] % patch_size[0] or x.shape[3] % patch_size[1]:
        raise ShapeError(
            f"the image of shape {tuple(x.shape)} does not divide into patches of {patch_size} (H, W): pad it to "
            "multiples of them"
        )
    return height, width
