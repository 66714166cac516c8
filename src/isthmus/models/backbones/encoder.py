"""`Encoder`: what every encoder of Isthmus publishes."""

from collections.abc import Sequence

from torch import nn

from isthmus.specs.features import FeatureSpec
from isthmus.specs.inputs import InputSpec
from isthmus.weights.report import WeightsReport


class Encoder(nn.Module):
    """A network that says what it takes and what it gives.

    Args:
        input_spec: what it takes.
        feature_specs: per feature that it returns, its layout.

    Attributes:
        input_spec: what it takes.
        feature_specs: per returned feature, its layout.
        weights_report: what was loaded from where; None where the weights are random.
    """

    def __init__(self, input_spec: InputSpec, feature_specs: Sequence[FeatureSpec]) -> None:
        super().__init__()
        self.input_spec = input_spec
        self.feature_specs = list(feature_specs)
        self.weights_report: WeightsReport | None = None

    @property
    def out_channels(self) -> list[int]:
        """Per returned feature, the channels once time is folded into them."""
        return [spec.out_channels for spec in self.feature_specs]

    @property
    def bands(self) -> list[str | int]:
        """The bands of an image, in order: names, or integers where they have none; of the first modality."""
        first = next(iter(self.input_spec.modalities.values()), None)
        return [] if first is None else list(first.bands or range(first.channels))

    # What follows repeats the input spec for those who ask attributes one by one.

    @property
    def in_channels(self) -> int | None:
        """The number of bands; None without images."""
        return len(self.bands) or None

    @property
    def num_frames(self) -> int:
        """The images of a time series."""
        return self.input_spec.frames

    @property
    def needs_time_axis(self) -> bool:
        """Whether images have an axis of time."""
        return self.input_spec.time_axis

    @property
    def image_size(self) -> tuple[int, int] | None:
        """The native (height, width)."""
        return self.input_spec.image_size

    @property
    def size_multiple(self) -> int | None:
        """What height and width must be multiples of, where it is one number and time may have any length."""
        frames, height, width = self.input_spec.multiple or (0, 0, 0)
        return height if frames == 1 and height == width else None
