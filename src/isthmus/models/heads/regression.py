"""`RegressionHead`: one or more quantities for every pixel."""

import itertools

from jaxtyping import Float
from torch import Tensor, nn

from isthmus.blocks.activations import activation_from


class RegressionHead(nn.Module):
    """A 1x1 convolution to the quantities, behind optional learned upsampling and 3x3 convolutions.

    Args:
        in_channels: the channels of the feature map.
        final_act: an activation for the result: a module, or the name of one in `torch.nn` or with its dotted path.
        learned_upscale_layers: how many times the map is made twice as fine (sub-pixel convolution, Shi et al., 2016).
        channel_list: the channels of 3x3 convolutions, each with batch norm and ReLU, behind that.
        batch_norm: whether those 3x3 convolutions are normalised.
        dropout: how many of the channels in front of the last convolution are dropped while training.
        num_outputs: how many quantities there are.

    Raises:
        ArgumentError: no activation has the name `final_act`.
    """

    def __init__(
        self,
        in_channels: int,
        final_act: nn.Module | str | None = None,
        learned_upscale_layers: int = 0,
        channel_list: list[int] | None = None,
        batch_norm: bool = True,
        dropout: float | int = 0,
        num_outputs: int = 1,
    ) -> None:
        super().__init__()
        widths = [in_channels, *(channel_list or [])]
        layers: list[nn.Module] = []
        if learned_upscale_layers:
            layers.append(nn.Sequential(*(_SubPixelUpscale(in_channels) for _ in range(learned_upscale_layers))))
        if channel_list:
            pairs = itertools.pairwise(widths)
            layers.append(nn.Sequential(*(_convolution(before, after, batch_norm) for before, after in pairs)))
        self.head = nn.Sequential(*layers, nn.Dropout2d(dropout), nn.Conv2d(widths[-1], num_outputs, 1))
        self.final_act = nn.Identity() if final_act is None else activation_from(final_act, "RegressionHead.final_act")

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch outputs out_height out_width"]:
        """Predict every quantity at every pixel."""
        values: Tensor = self.final_act(self.head(x))
        return values


def _convolution(in_channels: int, out_channels: int, batch_norm: bool) -> nn.Sequential:
    convolution = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=not batch_norm)
    norm = [nn.BatchNorm2d(out_channels)] if batch_norm else []
    return nn.Sequential(convolution, *norm, nn.ReLU())


class _SubPixelUpscale(nn.Module):
    """Twice as fine by a convolution to four times the channels, which become 2x2 pixels each."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 4 * channels, 3, padding=1)
        self.shuffle = nn.PixelShuffle(2)
        self.bn = nn.BatchNorm2d(channels)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        finer: Tensor = self.act(self.bn(self.shuffle(self.conv(x))))
        return finer
