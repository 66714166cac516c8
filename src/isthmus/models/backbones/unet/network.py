"""The U-Net (arXiv 1505.04597) as a backbone, in the form that MMSegmentation made known: a feature a stage."""

import itertools
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.errors import ArgumentError
from isthmus.models.backbones.encoder import Encoder
from isthmus.models.layers.arguments import feature_indices
from isthmus.models.layers.image_shape import check_image
from isthmus.specs.features import FeatureSpec
from isthmus.specs.inputs import InputSpec

Flags = Sequence[bool]
Numbers = Sequence[int]


class ConvNormActivation(nn.Module):
    """A convolution without a bias, batch normalisation and a ReLU."""

    def __init__(self, conv: nn.Module, channels: int) -> None:
        super().__init__()
        self.conv = conv
        self.norm = nn.BatchNorm2d(channels)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch out h w"]:
        """Apply all three."""
        out: Tensor = self.activation(self.norm(self.conv(x)))
        return out


class ConvBlock(nn.Module):
    """Convolutions of 3 by 3, one after the other; the first may have a stride, the others may be dilated."""

    def __init__(self, in_channels: int, channels: int, convs: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        layers = []
        for index in range(convs):
            step, reach = (stride, 1) if index == 0 else (1, dilation)
            conv = nn.Conv2d(
                channels if index else in_channels, channels, 3, step, padding=reach, dilation=reach, bias=False
            )
            layers.append(ConvNormActivation(conv, channels))
        self.convs = nn.Sequential(*layers)

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch out h w"]:
        """Apply the convolutions."""
        out: Tensor = self.convs(x)
        return out


class UpBlock(nn.Module):
    """Brings a coarse feature to the size of a finer one, joins the two and convolves them.

    Args:
        channels: those of the finer feature, half of those of the coarse one.
        convs: the number of convolutions.
        dilation: of all but the first of them.
        doubles: whether the finer feature has twice the size; otherwise a convolution of 1 by 1 stands for resizing.
        interpolation: arguments of `torch.nn.Upsample`, where it is to be used instead of a transposed convolution.
    """

    def __init__(
        self, channels: int, convs: int, dilation: int, *, doubles: bool, interpolation: Mapping[str, Any] | None
    ) -> None:
        super().__init__()
        self.conv_block = ConvBlock(2 * channels, channels, convs, dilation=dilation)
        self.upsample = _resizing(channels, doubles=doubles, interpolation=interpolation)

    def forward(
        self, fine: Float[Tensor, "batch channels height width"], coarse: Float[Tensor, "batch double h w"]
    ) -> Float[Tensor, "batch channels height width"]:
        """Join the features."""
        out: Tensor = self.conv_block(torch.cat([fine, self.upsample(coarse)], dim=1))
        return out


def _resizing(channels: int, *, doubles: bool, interpolation: Mapping[str, Any] | None) -> nn.Module:
    if not doubles:
        return ConvNormActivation(nn.Conv2d(2 * channels, channels, 1, bias=False), channels)
    if interpolation is None:
        return ConvNormActivation(nn.ConvTranspose2d(2 * channels, channels, 4, 2, padding=1, bias=False), channels)
    conv = nn.Conv2d(2 * channels, channels, 3, padding=1, bias=False)
    return nn.Sequential(nn.Upsample(**interpolation), ConvNormActivation(conv, channels))


class UNetFeatures(Encoder):
    """A U-Net that gives the feature of every stage, the coarsest first.

    Takes `(B, C, H, W)`, height and width multiples of `multiple`. The first feature is that of the bottom, the last
    one that of the finest stage of the decoder.

    Args:
        in_channels: the number of bands.
        out_channels: the channels of the finest stage; they double from stage to stage.
        strides: of the first convolution of each stage, 1 or 2.
        enc_num_convs: convolutions of each stage of the encoder.
        dec_num_convs: convolutions of each stage of the decoder, the finest first.
        downsamples: whether each stage but the first halves the size, by pooling where its stride is 1.
        enc_dilations: the dilation in each stage of the encoder.
        dec_dilations: the dilation in each stage of the decoder, the finest first.
        upsample_cfg: arguments of `torch.nn.Upsample`, as in `{scale_factor: 2, mode: bilinear}`, where it is to be
            used; otherwise transposed convolutions are.
        out_indices: the features to return, the coarsest being 0; all by default.

    Attributes:
        multiple: what height and width must be multiples of.

    Raises:
        ArgumentError: lists whose lengths do not fit together, or a stride other than 1 and 2.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        strides: Numbers,
        enc_num_convs: Numbers,
        dec_num_convs: Numbers,
        downsamples: Flags,
        enc_dilations: Numbers,
        dec_dilations: Numbers,
        upsample_cfg: Mapping[str, Any] | None = None,
        out_indices: Sequence[int] | None = None,
    ) -> None:
        if any(stride not in (1, 2) for stride in strides):
            raise ArgumentError(f"strides is {list(strides)}: 1 or 2 for each stage was expected", argument="strides")
        channels = [out_channels * 2**stage for stage in range(len(strides))]
        halves = [strides[0] == 2, *(s == 2 or d for s, d in zip(strides[1:], downsamples, strict=True))]
        scales = list(itertools.accumulate((2 if half else 1 for half in halves), operator.mul))
        indices = feature_indices(out_indices, len(strides))
        coarse_first = list(zip(channels, scales, strict=True))[::-1]
        super().__init__(
            InputSpec.of_image(in_channels, multiple=scales[-1]),
            [
                FeatureSpec(width, stride=(float(scale),) * 2)
                for width, scale in (coarse_first[each] for each in indices)
            ],
        )
        self.multiple, self.out_indices = scales[-1], indices
        self.encoder = nn.ModuleList()
        for index, width in enumerate(channels):
            pool = [nn.MaxPool2d(2)] if index and halves[index] and strides[index] == 1 else []
            before = channels[index - 1] if index else in_channels
            block = ConvBlock(before, width, enc_num_convs[index], strides[index], enc_dilations[index])
            self.encoder.append(nn.Sequential(*pool, block))
        self.decoder = nn.ModuleList(
            UpBlock(width, convs, dilation, doubles=doubles, interpolation=upsample_cfg)
            for width, convs, dilation, doubles in zip(
                channels[:-1], dec_num_convs, dec_dilations, halves[1:], strict=True
            )
        )

    def forward(self, x: Float[Tensor, "*image"]) -> list[Float[Tensor, "batch channels grid_height grid_width"]]:
        """Encode a batch of images `(B, C, H, W)`.

        Raises:
            ShapeError: a tensor of another shape.
        """
        check_image(x, self.bands, (self.multiple, self.multiple))
        skips = []
        for stage in self.encoder:
            x = stage(x)
            skips.append(x)
        features = [skips.pop()]
        for stage in reversed(self.decoder):
            features.append(stage(skips.pop(), features[-1]))
        return [features[index] for index in self.out_indices]
