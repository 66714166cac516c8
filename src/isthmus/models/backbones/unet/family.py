"""How a U-Net is built."""

from dataclasses import dataclass
from typing import Any

from isthmus.errors import ArgumentError
from isthmus.models.backbones.family import FeatureFamily
from isthmus.models.backbones.unet.network import Flags, Numbers, UNetFeatures
from isthmus.weights.adapter import Adapter


@dataclass(frozen=True, kw_only=True)
class UNet(FeatureFamily):
    """A U-Net that gives the feature of every stage, the coarsest first. No weights of it are published.

    Args:
        in_channels: the number of bands.
        out_channels: the channels of the finest stage; they double from stage to stage.
        num_stages: the number of stages.
        strides: of the first convolution of each stage, 1 or 2.
        enc_num_convs: convolutions of each stage of the encoder.
        dec_num_convs: convolutions of each stage of the decoder, the finest first: one less than `num_stages`.
        downsamples: whether each stage but the first halves the size, by pooling where its stride is 1.
        enc_dilations: the dilation in each stage of the encoder.
        dec_dilations: the dilation in each stage of the decoder, the finest first.
        upsample_cfg: arguments of `torch.nn.Upsample`, where it is to be used instead of transposed convolutions.
    """

    in_channels: int = 3
    out_channels: int = 64
    num_stages: int = 5
    strides: Numbers = (1, 1, 1, 1, 1)
    enc_num_convs: Numbers = (2, 2, 2, 2, 2)
    dec_num_convs: Numbers = (2, 2, 2, 2)
    downsamples: Flags = (True, True, True, True)
    enc_dilations: Numbers = (1, 1, 1, 1, 1)
    dec_dilations: Numbers = (1, 1, 1, 1)
    upsample_cfg: dict[str, Any] | None = None

    published = Adapter("encoder.0.0.convs.0.conv.weight")

    def __post_init__(self) -> None:
        """Hold the lists against the number of stages."""
        by_stage, between = (
            ("strides", "enc_num_convs", "enc_dilations"),
            ("dec_num_convs", "downsamples", "dec_dilations"),
        )
        for names, expected in ((by_stage, self.num_stages), (between, self.num_stages - 1)):
            for name in names:
                values = getattr(self, name)
                if len(values) != expected:
                    raise ArgumentError(
                        f"{name} is {list(values)}: {expected} values were expected for num_stages {self.num_stages}",
                        argument=name,
                    )

    def network(self) -> UNetFeatures:
        """The network, at random."""
        return UNetFeatures(
            self.in_channels,
            self.out_channels,
            self.strides,
            self.enc_num_convs,
            self.dec_num_convs,
            self.downsamples,
            self.enc_dilations,
            self.dec_dilations,
            self.upsample_cfg,
            self.out_indices,
        )
