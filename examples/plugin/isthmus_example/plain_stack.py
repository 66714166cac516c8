"""A backbone of plain convolutions."""

from torch import Tensor, nn

from isthmus.specs import FeatureSpec, InputSpec


class PlainStack(nn.Module):
    """Convolutions that halve the grid again and again.

    Args:
        in_chans: the number of bands.
        widths: the channels of each stage.
        coarse_first: whether the features come with the coarsest first.
    """

    def __init__(self, in_chans: int = 3, widths: tuple[int, ...] = (8, 16), coarse_first: bool = False) -> None:
        super().__init__()
        order = slice(None, None, -1 if coarse_first else 1)
        self.order = order
        self.input_spec = InputSpec.of_image(in_chans)
        self.feature_specs = [FeatureSpec(w, stride=(2.0 ** (i + 1),) * 2) for i, w in enumerate(widths)][order]
        self.out_channels = list(widths)[order]
        ends = [in_chans, *widths]
        self.stages = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in zip(ends, widths, strict=False))

    def forward(self, x: Tensor) -> list[Tensor]:
        """The features of each stage."""
        features = []
        for stage in self.stages:
            x = stage(x).relu()
            features.append(x)
        return features[self.order]
