"""The patch embedding of a plain vision transformer (arXiv 2010.11929)."""

from jaxtyping import Float
from torch import Tensor, nn


class XavierConv2d(nn.Conv2d):
    """A convolution that starts as the linear layer that it is: Xavier's uniform distribution, a bias of zero."""

    def reset_parameters(self) -> None:
        """Draw new weights."""
        nn.init.xavier_uniform_(self.weight.data.flatten(1))
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class PatchEmbedding(nn.Module):
    """Cuts images into patches and projects each to a token.

    Args:
        in_channels: the bands of an image.
        channels: the size of a token.
        patch_size: height and width of a patch.
    """

    def __init__(self, in_channels: int, channels: int, patch_size: int) -> None:
        super().__init__()
        self.proj = XavierConv2d(in_channels, channels, kernel_size=patch_size, stride=patch_size)

    def forward(
        self, x: Float[Tensor, "batch bands height width"]
    ) -> Float[Tensor, "batch grid_height grid_width channels"]:
        """Embed the patches, each at its place in the grid."""
        tokens: Tensor = self.proj(x)
        return tokens.permute(0, 2, 3, 1)
