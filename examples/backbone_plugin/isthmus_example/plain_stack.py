"""A backbone of plain convolutions."""

from torch import Tensor, nn

from isthmus.specs.features import FeatureSpec


class PlainStack(nn.Module):
    """Convolutions that halve the grid again and again."""

    def __init__(self, in_chans: int = 3, widths: tuple[int, ...] = (8, 16)) -> None:
        super().__init__()
        self.in_channels = in_chans
        self.out_channels = list(widths)
        self.feature_specs = [FeatureSpec(w, stride=(2.0 ** (i + 1),) * 2) for i, w in enumerate(widths)]
        ends = [in_chans, *widths]
        self.stages = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in zip(ends, widths, strict=False))

    def forward(self, x: Tensor) -> list[Tensor]:
        """The features of each stage."""
        features = []
        for stage in self.stages:
            x = stage(x).relu()
            features.append(x)
        return features
