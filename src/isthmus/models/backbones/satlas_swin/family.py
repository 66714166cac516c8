"""How a Swin transformer of SatlasPretrain is built."""

from dataclasses import dataclass

from isthmus.models.backbones.family import FeatureFamily
from isthmus.models.backbones.satlas_swin.catalog import SIZES
from isthmus.models.backbones.satlas_swin.network import SatlasSwinEncoder
from isthmus.models.backbones.torchgeo_bands import TorchGeoFamily
from isthmus.weights.adapter import Adapter


@dataclass(frozen=True, kw_only=True)
class SatlasSwin(FeatureFamily, TorchGeoFamily):
    """The Swin transformers. Of their features [1, 3, 5, 7] are the stages; they return the last one by default.

    Args:
        size: "tiny" or "base".
        drop_path: the rate of stochastic depth of the last block; that of the publication by default.
    """

    size: str
    drop_path: float | None = None

    default_indices = (-1,)
    published = Adapter(
        "features.0.0.weight", renames={"norm.": None, "head.": None}, first_layer="features.0.0.weight"
    )

    def network(self) -> SatlasSwinEncoder:
        """The network, at random."""
        return SatlasSwinEncoder(SIZES[self.size], self.image_bands, self.indices, self.drop_path)
