"""Convolutions with what usually follows them."""

from jaxtyping import Float
from torch import Tensor, nn

from isthmus.blocks.normalization import BatchNorm2d, normalization


class ConvNormReLU(nn.Module):
    """A convolution without bias, batch normalisation and ReLU; the size of the map stays.

    Args:
        in_channels: the channels of the incoming map.
        out_channels: the channels of the outgoing map.
        kernel_size: the size of the kernel, an odd number.
        dilation: the distance between the cells that the kernel looks at.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, dilation: int = 1) -> None:
        super().__init__()
        padding = dilation * (kernel_size // 2)
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding, dilation=dilation, bias=False)
        self.norm = BatchNorm2d(out_channels)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch out height width"]:
        """Convolve, normalise, cut off below zero."""
        out: Tensor = self.act(self.norm(self.conv(x)))
        return out


def conv_norm_relu(in_channels: int, out_channels: int, norm: bool | str, owner: str) -> nn.Sequential:
    """A 3x3 convolution with the normalisation of that name and ReLU, initialised for ReLU (He et al., 2015).

    The convolution has a bias only where nothing normalises it.
    """
    normalizer = normalization(norm, out_channels, owner)
    convolution = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=isinstance(normalizer, nn.Identity))
    nn.init.kaiming_uniform_(convolution.weight, nonlinearity="relu")
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)
    return nn.Sequential(convolution, normalizer, nn.ReLU(inplace=True))
