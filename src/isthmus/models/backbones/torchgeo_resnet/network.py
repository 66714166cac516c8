"""The network of the ResNets with weights for satellite images."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from isthmus.models.backbones.encoder import Encoder
from isthmus.models.layers.arguments import feature_indices
from isthmus.models.layers.image_shape import check_image
from isthmus.specs.features import FeatureSpec
from isthmus.specs.inputs import InputSpec

STRIDES = (2.0, 4.0, 8.0, 16.0, 32.0)


class ResNetFeatures(Encoder):
    """A ResNet without its classifier.

    Takes `(B, C, H, W)` of any size. Gives, for each of `out_indices`, the grid `(B, C', H / stride, W / stride)`: 0 is
    what the stem gives before it is pooled, at stride 2, and 1 to 4 are the stages, at strides 4 to 32.

    Args:
        depth: the number of layers: 18, 50 or 152.
        bands: the bands of an image, in order: names, or integers where they have none.
        out_indices: the features to return, the last ones as negative numbers; all five by default.
    """

    def __init__(self, depth: int, bands: Sequence[str | int], out_indices: Sequence[int] | None = None) -> None:
        from torchvision.models import resnet

        indices = feature_indices(out_indices, len(STRIDES))
        network = getattr(resnet, f"resnet{depth}")()
        widest = network.fc.in_features
        channels = (64, widest // 8, widest // 4, widest // 2, widest)
        super().__init__(
            InputSpec.of_image(len(bands), tuple(bands)),
            [FeatureSpec(channels[index], stride=(STRIDES[index], STRIDES[index])) for index in indices],
        )
        self.out_indices = indices
        self.conv1 = nn.Conv2d(len(bands), 64, kernel_size=7, stride=2, padding=3, bias=False)
        nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")
        self.bn1, self.relu, self.maxpool = network.bn1, network.relu, network.maxpool
        self.layer1, self.layer2 = network.layer1, network.layer2
        self.layer3, self.layer4 = network.layer3, network.layer4

    def forward(self, x: Float[Tensor, "*image"]) -> list[Float[Tensor, "batch channels grid_height grid_width"]]:
        """Encode a batch of images `(B, C, H, W)`.

        Raises:
            ShapeError: a tensor of another shape.
        """
        check_image(x, self.bands, (1, 1))
        features = [self.relu(self.bn1(self.conv1(x)))]
        stages = (self.layer1, self.layer2, self.layer3, self.layer4)
        for index, stage in enumerate(stages[: max(self.out_indices)]):
            features.append(stage(features[-1] if index else self.maxpool(features[-1])))
        return [features[index] for index in self.out_indices]
