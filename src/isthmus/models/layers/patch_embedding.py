"""The patch embedding of a plain vision transformer (arXiv 2010.11929)."""

from jaxtyping import Float
from torch import Tensor, nn

from isthmus.models.layers.xavier import XavierConv2d, XavierConv3d


class PatchEmbedding(nn.Module):
    """Cuts images, or time series, into patches and projects each to a token.

    Args:
        in_channels: the bands of an image.
        channels: the size of a token.
        patch_size: height and width of a patch, or of patches of a time series its `(time, height, width)`.
    """

    def __init__(self, in_channels: int, channels: int, patch_size: int | tuple[int, int, int]) -> None:
        super().__init__()
        self.proj: nn.Module = (
            XavierConv2d(in_channels, channels, kernel_size=patch_size, stride=patch_size)
            if isinstance(patch_size, int)
            else XavierConv3d(in_channels, channels, kernel_size=patch_size, stride=patch_size)
        )

    def forward(self, x: Float[Tensor, "batch bands *size"]) -> Float[Tensor, "batch *grid channels"]:
        """Embed the patches of `(B, C, H, W)` or `(B, C, T, H, W)`, each at its place in the grid."""
        tokens: Tensor = self.proj(x)
        return tokens.movedim(1, -1)
