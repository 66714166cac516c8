"""The encoders of segmentation-models-pytorch as encoders here (Iakubovskii, https://github.com/qubvel-org)."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from isthmus.errors import ArgumentError, UnknownNameError, WeightsError, did_you_mean
from isthmus.models.backbones.encoder import Encoder
from isthmus.specs.features import FeatureSpec
from isthmus.specs.inputs import InputSpec

DEPTH = 5


def smp_features(
    name: str,
    pretrained: bool | str = False,
    in_chans: int = 3,
    out_indices: Sequence[int] | None = None,
    output_stride: int = 32,
) -> nn.Module:
    """Build an encoder of smp that gives the features of its stages as grids `(B, C, H, W)`, the finest first.

    smp counts the image itself as the feature with index 0, and the stages, of stride 2 to 32, from 1. Here the image
    is only among the features where it is asked for: `out_indices=[0, 1, 2, 3, 4, 5]` under a decoder `smp_...` makes
    the very model that smp would.

    Args:
        name: smp's name.
        pretrained: load weights from the Hub: True for those trained on ImageNet, or the name that smp gives to others
            (`ssl`, `noisy-student`). The first layer is adapted to `in_chans` as smp does it.
        in_chans: the number of bands.
        out_indices: which features to give, counted as smp does; None for all stages that exist.
        output_stride: the stride of the coarsest feature, 8, 16 or 32; below 32 the last stages are dilated.

    Raises:
        UnknownNameError: smp has no such encoder.
        ArgumentError: an index that is not there, or weights that smp does not have.
        WeightsError: the weights cannot be had.
    """
    from segmentation_models_pytorch.encoders import encoders, get_encoder

    if name not in encoders:
        raise UnknownNameError(f"smp has no encoder {name!r}{did_you_mean(name, encoders) or '.'}")
    weights = _weights(name, pretrained, encoders[name]["pretrained_settings"])
    try:
        encoder = get_encoder(name, in_channels=in_chans, depth=DEPTH, weights=weights, output_stride=output_stride)
    except OSError as error:
        if weights is None:
            raise
        place = encoders[name]["pretrained_settings"][weights]["repo_id"]
        raise WeightsError(
            f"the weights {weights!r} of smp's {name!r} cannot be had: they are expected at {place} on the Hugging "
            f"Face Hub or, once downloaded, in its cache (HF_HOME). {error}"
        ) from error
    return SmpFeatures(encoder, in_chans, out_indices, output_stride)


class SmpFeatures(Encoder):
    """An encoder of smp that gives some of its features.

    Args:
        encoder: smp's encoder.
        in_chans: the number of bands it was built for.
        out_indices: which features to give; None for all stages.
        output_stride: the stride it was built for.
    """

    def __init__(self, encoder: Any, in_chans: int, out_indices: Sequence[int] | None, output_stride: int) -> None:
        channels: list[int] = list(encoder.out_channels)
        stages = [index for index, count in enumerate(channels) if index > 0 and count > 0]
        indices = stages if out_indices is None else _in_range(out_indices, channels)
        strides = [float(min(2**index, output_stride)) for index in indices]
        super().__init__(
            InputSpec.of_image(in_chans),
            [
                FeatureSpec(channels[index], stride=(stride,) * 2)
                for index, stride in zip(indices, strides, strict=True)
            ],
        )
        self.out_indices, self.encoder = indices, encoder

    def forward(self, x: Float[Tensor, "batch bands height width"]) -> list[Float[Tensor, "batch channels h w"]]:
        """The chosen features of a batch of images."""
        features = self.encoder(x)
        return [features[index] for index in self.out_indices]


def _weights(name: str, pretrained: bool | str, known: dict[str, Any]) -> str | None:
    if pretrained is False:
        return None
    weights = "imagenet" if pretrained is True else pretrained
    if weights not in known:
        raise ArgumentError(f"smp has no weights {weights!r} for {name!r}; it has: {', '.join(known) or 'none'}")
    return weights


def _in_range(out_indices: Sequence[int], channels: list[int]) -> list[int]:
    count = len(channels)
    wrong = [index for index in out_indices if not -count <= index < count]
    if wrong:
        raise ArgumentError(f"out_indices {wrong} are not among the {count} features, 0 to {count - 1}")
    return [index % count for index in out_indices]
