"""How a ResNet with weights of TorchGeo is built."""

from dataclasses import dataclass

from isthmus.models.backbones.family import FeatureFamily
from isthmus.models.backbones.torchgeo_bands import TorchGeoFamily
from isthmus.models.backbones.torchgeo_resnet.network import ResNetFeatures
from isthmus.weights.adapter import Adapter


@dataclass(frozen=True, kw_only=True)
class TorchGeoResNet(FeatureFamily, TorchGeoFamily):
    """The ResNets. Of their features 0 is the stem, and 1 to 4 are the stages; they return the last one by default.

    Args:
        depth: the number of layers: 18, 50 or 152.
    """

    depth: int

    default_indices = (-1,)
    published = Adapter("layer4.0.downsample.0.weight", renames={"fc.": None}, first_layer="conv1.weight")

    def network(self) -> ResNetFeatures:
        """The network, at random."""
        return ResNetFeatures(self.depth, self.image_bands, self.indices)
