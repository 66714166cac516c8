"""ResNets (arXiv 1512.03385) with weights for Landsat and the Sentinels.

The weights are those of SSL4EO-L (arXiv 2306.09424), SSL4EO-S12 (arXiv 2211.07044), SeCo (arXiv 2103.16607), GASSL
(arXiv 2011.09980) and SatlasPretrain (arXiv 2211.15660) as TorchGeo publishes them, each with the names of torchvision.
"""

from collections.abc import Sequence
from pathlib import Path

from jaxtyping import Float
from torch import Tensor, nn

from isthmus.models.layers.arguments import feature_indices, image_bands
from isthmus.models.layers.image_shape import check_image
from isthmus.specs.features import FeatureSpec
from isthmus.weights.adapter import Adapter
from isthmus.weights.building import build_with_weights
from isthmus.weights.hub import bands_of
from isthmus.weights.report import WeightsReport

PUBLISHED = Adapter("layer4.0.downsample.0.weight", renames={"fc.": None}, first_layer="conv1.weight")
STRIDES = (2.0, 4.0, 8.0, 16.0, 32.0)


class ResNetFeatures(nn.Module):
    """A ResNet without its classifier.

    Takes `(B, C, H, W)` of any size. Gives, for each of `out_indices`, the grid `(B, C', H / stride, W / stride)`: 0 is
    what the stem gives before it is pooled, at stride 2, and 1 to 4 are the stages, at strides 4 to 32.

    Args:
        depth: the number of layers: 18, 50 or 152.
        bands: the bands of an image, in order: names, or integers where they have none.
        out_indices: the features to return, the last ones as negative numbers; all five by default.

    Attributes:
        out_channels: per returned feature, its channels.
        feature_specs: per returned feature, its layout.
        in_channels: the number of bands.
        weights_report: what was loaded from where; None where the weights are random.
    """

    def __init__(self, depth: int, bands: Sequence[str | int], out_indices: Sequence[int] | None = None) -> None:
        from torchvision.models import resnet

        super().__init__()
        self.bands = list(bands)
        self.in_channels = len(self.bands)
        self.out_indices = feature_indices(out_indices, len(STRIDES))
        self.weights_report: WeightsReport | None = None
        network = getattr(resnet, f"resnet{depth}")()
        self.conv1 = nn.Conv2d(self.in_channels, 64, kernel_size=7, stride=2, padding=3, bias=False)
        nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")
        self.bn1, self.relu, self.maxpool = network.bn1, network.relu, network.maxpool
        self.layer1, self.layer2 = network.layer1, network.layer2
        self.layer3, self.layer4 = network.layer3, network.layer4
        widest = network.fc.in_features
        channels = (64, widest // 8, widest // 4, widest // 2, widest)
        self.feature_specs = [
            FeatureSpec(channels[index], stride=(STRIDES[index], STRIDES[index])) for index in self.out_indices
        ]
        self.out_channels = [spec.channels for spec in self.feature_specs]

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


def torchgeo_resnet(
    variant: str,
    depth: int,
    pretrained: bool = False,
    ckpt_path: str | Path | None = None,
    model_bands: Sequence[str | int | Sequence[int]] | None = None,
    in_chans: int | None = None,
    out_indices: Sequence[int] | None = None,
    pretrained_bands: Sequence[str | int | Sequence[int]] | None = None,
    new_bands: str | None = None,
    allow_missing_weights: bool = False,
) -> ResNetFeatures:
    """Build a ResNet for satellite images.

    Args:
        variant: the name of the backbone, which says what its weights were made of.
        depth: the number of layers: 18, 50 or 152.
        pretrained: load the published weights, from the Hub or its cache.
        ckpt_path: load the weights in this file instead; it is read whether or not `pretrained` is set.
        model_bands: the bands of the images, in order; those that the weights were made for by default.
        in_chans: the number of bands, where they have no names.
        out_indices: the features to return: 0 is the stem, 1 to 4 are the stages; the last one alone by default.
        pretrained_bands: the bands that the weights were made for, where it is not those that are known.
        new_bands: what bands that the weights do not know start from: "mean", the mean over the bands that they know,
            or "random". By default "mean", and an error where the weights know none of the bands.
        allow_missing_weights: leave parameters that the weights do not have at random instead of refusing.

    Returns:
        The encoder. Its `weights_report` says what was loaded. On the `meta` device nothing is loaded.

    Raises:
        ArgumentError: arguments that contradict each other or have no valid value.
        WeightsError: the weights cannot be found, read or fitted.
    """
    bands = image_bands(model_bands, in_chans, bands_of(variant) or ())
    return build_with_weights(
        lambda: ResNetFeatures(depth, bands, (-1,) if out_indices is None else out_indices),
        PUBLISHED,
        variant,
        pretrained=pretrained,
        ckpt_path=ckpt_path,
        bands=bands,
        pretrained_bands=pretrained_bands,
        new_bands=new_bands,
        allow_missing=allow_missing_weights,
    )
