"""Convolution, transposed convolution and pooling with the sizes and alignment that TensorFlow calls "same".

A layer of stride s makes `ceil(size / s)` cells of a size, a transposed convolution `size * s`. Where the padding is
odd the larger half is at the bottom and right, which `torch.nn` cannot say with one number per axis: there, a
transposed convolution with a 3 x 3 kernel, padding 1 and output padding 1 lies one pixel off. All kernels start with
Glorot's uniform distribution, biases with zero (Glorot and Bengio, 2010), as in Keras.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class SameConv2d(nn.Conv2d):
    """A convolution after which a map of size n has `ceil(n / stride)` cells.

    Args:
        in_channels: the channels of the incoming map.
        out_channels: the channels of the outgoing map.
        kernel_size: the size of the kernel, of any parity.
        stride: the step.
        bias: whether there is a bias.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, *, bias: bool = True
    ) -> None:
        symmetric = stride == 1 and kernel_size % 2 == 1
        super().__init__(
            in_channels, out_channels, kernel_size, stride, kernel_size // 2 if symmetric else 0, bias=bias
        )
        self.symmetric = symmetric
        glorot(self)

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch out _ _"]:
        """Convolve."""
        if not self.symmetric:
            sides = [_missing(x.shape[axis], self.kernel_size[0], self.stride[0]) for axis in (-1, -2)]
            x = F.pad(x, [part for side in sides for part in (side // 2, side - side // 2)])
        return super().forward(x)


class SameConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution after which a map is exactly `stride` times as large.

    The whole result has `(n - 1) * stride + kernel_size` cells; `(kernel_size - stride) // 2` are cut off at the top
    and left, the rest at the bottom and right.

    Args:
        in_channels: the channels of the incoming map.
        out_channels: the channels of the outgoing map.
        kernel_size: the size of the kernel.
        stride: how many times as large the map becomes.
        bias: whether there is a bias.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 2, *, bias: bool = True
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, bias=bias)
        self.excess = kernel_size - stride
        glorot(self)

    def forward(  # type: ignore[override]  # a size cannot be asked for: it follows from the stride
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch out _ _"]:
        """Make the map finer."""
        padding, behind = max(self.excess, 0) // 2, max(-self.excess, 0)
        x = F.conv_transpose2d(x, self.weight, self.bias, self.stride, padding, behind)
        one_more = self.excess > 0 and self.excess % 2 == 1
        return F.pad(x, (0, -1, 0, -1)) if one_more else x  # a slice here makes each later pass slower


class SameMaxPool2d(nn.Module):
    """The maximum of 2 x 2 cells, whatever the stride; what lies outside the map never is the maximum.

    Args:
        stride: the step. With 1 the map keeps its size.
    """

    def __init__(self, stride: int = 2) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels _ _"]:
        """Pool."""
        if self.stride == 1:
            x = F.pad(x, (0, 1, 0, 1), value=-torch.inf)
        return F.max_pool2d(x, 2, self.stride, ceil_mode=True)

    def extra_repr(self) -> str:
        """The stride."""
        return f"stride={self.stride}"


class Upsample(nn.Module):
    """Interpolation that makes a map larger, with the centres of the pixels in place of their corners.

    Args:
        stride: how many times as large the map becomes.
        method: "bilinear" or "nearest", or another mode of `torch.nn.functional.interpolate`.
    """

    def __init__(self, stride: int = 2, method: str = "bilinear") -> None:
        super().__init__()
        self.stride, self.method = stride, method

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels _ _"]:
        """Make the map finer."""
        corners = None if self.method == "nearest" else False
        return F.interpolate(x, scale_factor=float(self.stride), mode=self.method, align_corners=corners)

    def extra_repr(self) -> str:
        """The stride and the method."""
        return f"stride={self.stride}, method={self.method!r}"


def glorot(layer: nn.Conv2d | nn.ConvTranspose2d) -> None:
    """Draw the kernel from Glorot's uniform distribution and set the bias to zero."""
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def _missing(size: int, kernel_size: int, stride: int) -> int:
    return max((-(-size // stride) - 1) * stride + kernel_size - size, 0)
