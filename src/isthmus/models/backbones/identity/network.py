"""The backbone that does nothing: for decoders that work on the images themselves, or on embeddings made before."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from isthmus.errors import ArgumentError
from isthmus.models.backbones.encoder import Encoder
from isthmus.models.layers.arguments import image_bands
from isthmus.models.layers.image_shape import check_image
from isthmus.specs.features import FeatureSpec
from isthmus.specs.inputs import InputSpec


class IdentityBackbone(Encoder):
    """Gives the images `(B, C, H, W)` as its only feature, at stride 1.

    Args:
        out_channels: a list of one number, the channels of the images.
        bands: the bands of the images, where they have names.
        in_chans: the number of bands, where they have no names; 3 where nothing else says it.

    Raises:
        ArgumentError: arguments that contradict each other.
    """

    def __init__(
        self,
        out_channels: Sequence[int] | None = None,
        bands: Sequence[str | int | Sequence[int]] | None = None,
        in_chans: int | None = None,
    ) -> None:
        own = image_bands(bands, in_chans, range(3 if out_channels is None else sum(out_channels)))
        if out_channels is not None and list(out_channels) != [len(own)]:
            raise ArgumentError(
                f"out_channels is {list(out_channels)}: the images pass unchanged, so [{len(own)}] was expected",
                argument="out_channels",
            )
        super().__init__(InputSpec.of_image(len(own), tuple(own)), [FeatureSpec(len(own), stride=(1.0, 1.0))])

    def forward(self, x: Float[Tensor, "*image"]) -> list[Float[Tensor, "batch channels height width"]]:
        """Give the images.

        Raises:
            ShapeError: a tensor of another shape.
        """
        check_image(x, self.bands, (1, 1))
        return [x]
