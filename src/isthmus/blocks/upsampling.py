"""Blocks that make a map finer."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.blocks.attention import SpatialChannelAttention
from isthmus.blocks.convolutions import conv_norm_relu
from isthmus.blocks.upsampling_step import UpsamplingStep
from isthmus.errors import ArgumentError, did_you_mean


def upsample_by_two(channels: int) -> nn.Sequential:
    """A transposed convolution that makes a map twice as fine with half the channels."""
    return nn.Sequential(nn.ConvTranspose2d(channels, channels // 2, 2, 2))


def upsample_by_four(channels: int) -> nn.Sequential:
    """Two transposed convolutions that make a map four times as fine with a quarter of the channels."""
    return nn.Sequential(
        nn.ConvTranspose2d(channels, channels // 2, 2, 2),
        nn.BatchNorm2d(channels // 2),
        nn.GELU(),
        nn.ConvTranspose2d(channels // 2, channels // 4, 2, 2),
    )


class UpsamplingSkipBlock(UpsamplingStep):
    """Bring a map to the size of a finer one, set the finer one beside it, and convolve twice.

    One step of the expanding path of a U-Net (Ronneberger et al., 2015), with interpolation to the nearest neighbour.

    Args:
        in_channels: the channels of the coarse map.
        skip_channels: the channels of the finer map; 0 where there is none.
        out_channels: the channels of the result.
        norm: the normalisation behind each convolution: "batchnorm" (or True), "identity" (or False).
        attention: "scse" to weigh channels and cells before and after the convolutions; None not to.

    Raises:
        ArgumentError: an unknown normalisation or attention.
    """

    def __init__(
        self,
        in_channels: int,
        skip_channels: int,
        out_channels: int,
        norm: bool | str = "batchnorm",
        attention: str | None = None,
    ) -> None:
        super().__init__(out_channels, joins=skip_channels > 0)
        joined = in_channels + skip_channels
        self.conv1 = conv_norm_relu(joined, out_channels, norm, "a U-Net")
        self.attention1 = _attention(attention, joined)
        if not skip_channels:  # never used, but published weights hold it
            self.attention1.requires_grad_(False)  # noqa: FBT003
        self.conv2 = conv_norm_relu(out_channels, out_channels, norm, "a U-Net")
        self.attention2 = _attention(attention, out_channels)

    def finer(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """Interpolated to the size of the skip connection; as it is where there is none."""
        if skip is None or x.shape[-2:] == skip.shape[-2:]:
            return x
        return F.interpolate(x, size=skip.shape[-2:], mode="nearest")

    def joined(self, x: Tensor, skip: Tensor) -> Tensor:
        """The channels of the map, and behind them those of the skip connection."""
        joined: Tensor = self.attention1(torch.cat([x, skip], dim=1))
        return joined

    def refined(self, x: Tensor) -> Tensor:
        """Convolved twice."""
        refined: Tensor = self.attention2(self.conv2(self.conv1(x)))
        return refined


class ExpandingPath(nn.Module):
    """The expanding path of a U-Net: from the coarsest map of a pyramid to the finest.

    Args:
        pyramid_channels: the channels of the maps, from the finest to the coarsest.
        channels: the channels of each step, from the coarsest on; the last step has no map beside it.
        norm: the normalisation behind each convolution.
        attention: "scse" or None.
    """

    def __init__(
        self, pyramid_channels: list[int], channels: list[int], norm: bool | str, attention: str | None
    ) -> None:
        super().__init__()
        *skips, coarsest = pyramid_channels
        incoming = [coarsest, *channels[:-1]]
        beside = [*reversed(skips), 0]
        self.blocks = nn.ModuleList(
            UpsamplingSkipBlock(*each, norm, attention) for each in zip(incoming, beside, channels, strict=True)
        )

    def forward(self, pyramid: list[Tensor]) -> Tensor:
        """Walk from the coarsest map (batch, channels, height, width) to the size of the finest, the first."""
        *skips, x = pyramid
        for block, skip in zip(self.blocks, [*reversed(skips), None], strict=True):
            x = block(x, skip)
        return x


def _attention(name: str | None, channels: int) -> nn.Module:
    if name is None:
        return nn.Identity()
    if name.lower() == "scse":
        return SpatialChannelAttention(channels)
    raise ArgumentError(f"a U-Net knows no attention {name!r}{did_you_mean(name, ['scse']) or '.'} It takes: scse")
