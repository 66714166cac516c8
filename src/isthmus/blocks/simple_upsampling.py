"""Upsampling, a skip connection, and convolutions that refine the result."""

from collections import OrderedDict
from dataclasses import dataclass

from torch import Tensor, nn

from isthmus.blocks.base import DecoderBlock
from isthmus.blocks.same import SameConv2d, SameConvTranspose2d, Upsample
from isthmus.blocks.simple import finish
from isthmus.blocks.upsampling_step import UpsamplingStep, cropped
from isthmus.errors import ArgumentError, did_you_mean

INTERPOLATIONS = ("nearest", "bilinear", "bicubic")


@dataclass(frozen=True, kw_only=True)
class SimpleUpsamplingBlock(DecoderBlock):
    """Make a map finer, join it with a skip connection, and refine it with convolutions.

    Attributes:
        upsampling_stride: how many times finer.
        transposed_conv: whether by a transposed convolution; by interpolation otherwise.
        transposed_conv_filters: its channels.
        transposed_conv_kernel_size: the size of its kernel.
        transposed_conv_use_bias: whether it has a bias.
        transposed_conv_batch_norm: whether batch normalisation follows.
        transposed_conv_batch_norm_before_activation: whether that stands in front of the activation.
        transposed_conv_activation: its activation.
        interp_method: how to interpolate: "bilinear", "nearest" or "bicubic".
        skip_connection: whether the block takes a skip connection.
        skip_add: whether it is added, through a 1 x 1 convolution where the channels differ; otherwise it is set in
            front of the channels of the map.
        refine_convs: how many convolutions follow. With none, there is no skip connection either.
        refine_convs_first_filters: the channels of the first of them; `refine_convs_filters` where None.
        refine_convs_filters: the channels of the others.
        refine_convs_use_bias: whether they have a bias.
        refine_convs_kernel_size: the size of their kernels.
        refine_convs_batch_norm: whether batch normalisation follows each of them.
        refine_convs_batch_norm_before_activation: whether that stands in front of the activation.
        refine_convs_activation: their activation.
        takes_any_size: whether the map is cropped, at the bottom and right, to the size of the skip connection.
        sleap_compat: do as SLEAP does, against its own documentation: the transposed convolution always has a bias,
            the refining convolutions have the activation of the transposed one, and the skip connection is joined
            even without any of them. For exact transfer of weights.
    """

    transposed_conv: bool = False
    transposed_conv_filters: int = 64
    transposed_conv_kernel_size: int = 3
    transposed_conv_use_bias: bool = True
    transposed_conv_batch_norm: bool = True
    transposed_conv_batch_norm_before_activation: bool = True
    transposed_conv_activation: str = "relu"
    interp_method: str = "bilinear"
    skip_connection: bool = False
    skip_add: bool = False
    refine_convs: int = 2
    refine_convs_first_filters: int | None = None
    refine_convs_filters: int = 64
    refine_convs_use_bias: bool = True
    refine_convs_kernel_size: int = 3
    refine_convs_batch_norm: bool = True
    refine_convs_batch_norm_before_activation: bool = True
    refine_convs_activation: str = "relu"
    takes_any_size: bool = False
    sleap_compat: bool = False

    def __post_init__(self) -> None:
        if self.interp_method not in INTERPOLATIONS:
            hint = did_you_mean(self.interp_method, INTERPOLATIONS)
            raise ArgumentError(
                f"SimpleUpsamplingBlock.interp_method is {self.interp_method!r}{hint or '.'} "
                f"It takes: {', '.join(INTERPOLATIONS)}"
            )

    def build(self, in_channels: int, skip_channels: int | None = None) -> "UpsamplingModule":
        """Make the module."""
        joins = self.skip_connection and skip_channels is not None and (self.refine_convs > 0 or self.sleap_compat)
        upsample, channels = self._upsampling(in_channels)
        projection: nn.Module | None = None
        if joins and skip_channels is not None:
            if not self.skip_add:
                channels += skip_channels
            elif skip_channels != channels:
                projection = SameConv2d(skip_channels, channels, 1)
        refine, out_channels = self._refinement(channels)
        return UpsamplingModule(
            upsample,
            refine,
            out_channels,
            joins=joins,
            add=self.skip_add,
            projection=projection,
            crops=self.takes_any_size,
        )

    def _upsampling(self, in_channels: int) -> tuple[nn.Module, int]:
        if not self.transposed_conv:
            name = f"interp_{self.interp_method}"
            return nn.Sequential(OrderedDict({name: Upsample(self.upsampling_stride, self.interp_method)})), in_channels
        channels = self.transposed_conv_filters
        convolution = SameConvTranspose2d(
            in_channels,
            channels,
            self.transposed_conv_kernel_size,
            self.upsampling_stride,
            bias=self.transposed_conv_use_bias or self.sleap_compat,
        )
        rest = finish(
            channels,
            "trans_conv_bn" if self.transposed_conv_batch_norm else None,
            "trans_conv_act",
            self.transposed_conv_activation,
            norm_first=self.transposed_conv_batch_norm_before_activation,
        )
        return nn.Sequential(OrderedDict({"trans_conv": convolution} | rest)), channels

    def _refinement(self, channels: int) -> tuple[nn.Module, int]:
        activation = self.transposed_conv_activation if self.sleap_compat else self.refine_convs_activation
        first = (
            self.refine_convs_filters if self.refine_convs_first_filters is None else self.refine_convs_first_filters
        )
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for index in range(self.refine_convs):
            filters = self.refine_convs_filters if index else first
            name = f"refine_conv{index}"
            layers[name] = SameConv2d(channels, filters, self.refine_convs_kernel_size, bias=self.refine_convs_use_bias)
            channels = filters
            layers |= finish(
                channels,
                f"{name}_bn" if self.refine_convs_batch_norm else None,
                f"{name}_act",
                activation,
                norm_first=self.refine_convs_batch_norm_before_activation,
            )
        return nn.Sequential(layers), channels


class UpsamplingModule(UpsamplingStep):
    """The module of a `SimpleUpsamplingBlock`.

    Args:
        upsample: makes the map finer.
        refine: what follows the skip connection.
        out_channels: the channels of the result.
        joins: whether there is a skip connection.
        add: whether it is added; otherwise its channels stand in front of those of the map.
        projection: what brings it to the channels of the map, if need be.
        crops: whether the map is cropped to the size of the skip connection.
    """

    def __init__(
        self,
        upsample: nn.Module,
        refine: nn.Module,
        out_channels: int,
        *,
        joins: bool,
        add: bool,
        projection: nn.Module | None,
        crops: bool = False,
    ) -> None:
        super().__init__(out_channels, joins=joins)
        self.upsample = upsample
        self.skip_conv1x1 = projection
        self.refine = refine
        self.add, self.crops = add, crops

    def finer(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """Transposed convolution or interpolation."""
        x = self.upsample(x)
        return cropped(x, skip) if self.crops else x

    def joined(self, x: Tensor, skip: Tensor) -> Tensor:
        """The sum, or the channels of both."""
        if not self.add:
            return super().joined(x, skip)
        return x + (skip if self.skip_conv1x1 is None else self.skip_conv1x1(skip))

    def refined(self, x: Tensor) -> Tensor:
        """Convolutions."""
        refined: Tensor = self.refine(x)
        return refined
