"""The backbone that does nothing: for decoders that work on the images themselves, or on embeddings made before."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from isthmus.errors import ArgumentError
from isthmus.models.layers.arguments import image_bands
from isthmus.models.layers.image_shape import check_image
from isthmus.specs.features import FeatureSpec


class IdentityBackbone(nn.Module):
    """Gives the images `(B, C, H, W)` as its only feature, at stride 1.

    Args:
        out_channels: a list of one number, the channels of the images.
        bands: the bands of the images, where they have names.
        in_chans: the number of bands, where they have no names; 3 where nothing else says it.

    Attributes:
        out_channels: the channels of the feature.
        feature_specs: its layout.
        in_channels: the number of bands.

    Raises:
        ArgumentError: arguments that contradict each other.
    """

    def __init__(
        self,
        out_channels: Sequence[int] | None = None,
        bands: Sequence[str | int | Sequence[int]] | None = None,
        in_chans: int | None = None,
    ) -> None:
        super().__init__()
        self.bands = image_bands(bands, in_chans, range(3 if out_channels is None else sum(out_channels)))
        self.in_channels = len(self.bands)
        self.out_channels = [self.in_channels] if out_channels is None else list(out_channels)
        if self.out_channels != [self.in_channels]:
            raise ArgumentError(
                f"out_channels is {self.out_channels}: the images pass unchanged, so [{self.in_channels}] was expected"
            )
        self.feature_specs = [FeatureSpec(self.in_channels, stride=(1.0, 1.0))]

    def forward(self, x: Float[Tensor, "*image"]) -> list[Float[Tensor, "batch channels height width"]]:
        """Give the images.

        Raises:
            ShapeError: a tensor of another shape.
        """
        check_image(x, self.bands, (1, 1))
        return [x]
