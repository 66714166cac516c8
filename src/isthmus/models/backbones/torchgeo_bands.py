"""What the families whose weights TorchGeo publishes have in common: how bands are given."""

from collections.abc import Sequence
from dataclasses import dataclass

from isthmus.models.backbones.family import FittedFamily
from isthmus.models.layers.arguments import image_bands


@dataclass(frozen=True, kw_only=True)
class TorchGeoFamily(FittedFamily):
    """Encoders with weights that TorchGeo publishes.

    Args:
        model_bands: the bands of the images, in order; those that the weights were made for by default.
        in_chans: the number of bands, where they have no names.
    """

    model_bands: Sequence[str | int | Sequence[int]] | None = None
    in_chans: int | None = None

    @property
    def image_bands(self) -> list[str | int]:
        """The bands of the images."""
        return image_bands(self.model_bands, self.in_chans, self.facts.get("bands", ()))
