"""A backbone of blocks with the heads of a SLEAP model: maps by name."""

from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from isthmus.blocks.activations import activation_from
from isthmus.blocks.encoder_decoder import EncoderDecoder
from isthmus.blocks.intermediate import StackOutput
from isthmus.blocks.same import SameConv2d
from isthmus.blocks.stack import Stack
from isthmus.errors import CompositionError
from isthmus.weights.sleap.names import KerasWeight, backbone_weights, weight_names
from isthmus.weights.sleap.outputs import HeadSettings


class SleapNetwork(nn.Module):
    """An encoder-decoder with one or more heads, each at a stride of its own.

    A head whose stride is that of the network reads its output, any other one the first feature with that stride that
    goes into a block of the decoder. Where the network has several stacks, every one has all heads.

    Args:
        backbone: the encoder-decoder.
        heads: the outputs.
        flattened: for class vectors without global pooling, how many numbers the feature holds that they see.

    Raises:
        CompositionError: the network has no feature with the stride of a head.
    """

    def __init__(self, backbone: EncoderDecoder, heads: Sequence[HeadSettings], flattened: int = 0) -> None:
        super().__init__()
        self.backbone = backbone
        self.places = {head.name: _place(backbone, head) for head in heads}
        self.heads = nn.ModuleList()
        for stack in backbone.stack:
            if isinstance(stack, Stack):
                channels = [*stack.feature_channels, stack.out_channels]
                built = {head.name: _build(head, channels[self.places[head.name]], flattened) for head in heads}
                self.heads.append(nn.ModuleDict(built))

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> dict[str, Tensor]:
        """The outputs of the last stack by the name of their head.

        Maps are `(batch, channels, height / stride, width / stride)`, class vectors `(batch, classes)`. SLEAP gives
        its networks values between 0 and 1: the bytes of an image over 255.
        """
        return self.every_stack(images)[-1]

    def every_stack(self, images: Float[Tensor, "batch channels height width"]) -> list[dict[str, Tensor]]:
        """The outputs of every stack, the last stack last."""
        results = self.backbone(images)
        return [
            {name: head(_at(result, self.places[name])) for name, head in heads.items()}
            for result, heads in zip(results, self.heads, strict=True)
            if isinstance(heads, nn.ModuleDict)
        ]


class MapHead(nn.Module):
    """A 1 x 1 convolution with an activation.

    Args:
        in_channels: the channels of the feature.
        channels: the channels of the map.
        activation: its name, see `isthmus.blocks.activations`.
    """

    def __init__(self, in_channels: int, channels: int, activation: str) -> None:
        super().__init__()
        self.final = SameConv2d(in_channels, channels, 1)
        self.activation = activation_from(activation, "a head")

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch out height width"]:
        """Make the map."""
        out: Tensor = self.activation(self.final(x))
        return out


class VectorHead(nn.Module):
    """Dense layers over a whole feature.

    Args:
        in_features: the channels of the feature; times its cells where it is not pooled.
        channels: the length of the vector.
        dense_units: the widths of the layers in between.
        global_pool: whether the layers see the maximum of every channel.
        activation: what follows the last of them, by name.
    """

    def __init__(
        self, in_features: int, channels: int, dense_units: Sequence[int], *, global_pool: bool, activation: str
    ) -> None:
        super().__init__()
        widths = [in_features, *dense_units]
        self.dense = nn.ModuleList(nn.Linear(*each) for each in pairwise(widths))
        self.final = nn.Linear(widths[-1], channels)
        self.global_pool, self.activation = global_pool, activation_from(activation, "a head")

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch out"]:
        """Make the vector."""
        x = x.amax(dim=(2, 3)) if self.global_pool else x.permute(0, 2, 3, 1).flatten(1)
        for layer in self.dense:
            x = layer(x).relu()
        out: Tensor = self.activation(self.final(x))
        return out


def network_weights(network: SleapNetwork, layers: Sequence[str]) -> dict[str, KerasWeight]:
    """The Keras name of every parameter and running statistic of a network, by its name in the state dict.

    Args:
        network: the network.
        layers: the names of the layers that are there. Some versions append the number of the stack to a head.
    """
    found = {f"backbone.{own}": name for own, name in backbone_weights(network.backbone).items()}
    for path, module in network.heads.named_modules():
        for own, weight in weight_names(module).items():
            stack, head, *rest = path.split(".")
            numbered = f"{head}_{stack}"
            layer = numbered if numbered in layers else head
            if rest[0] == "dense":
                layer = f"pre_classification{rest[1]}_fc"
            found[f"heads.{path}.{own}"] = KerasWeight(layer, weight)
    return found


def _place(backbone: EncoderDecoder, head: HeadSettings) -> int:
    """Where a head reads: the index of the feature, or -1 for the output."""
    if head.output_stride == backbone.output_stride:
        return -1
    strides, stride = list[int](), backbone.maximum_stride
    for block in backbone.decoder_stack:
        strides.append(stride)
        stride //= block.upsampling_stride
    if head.output_stride not in strides:
        there = ", ".join(str(each) for each in [*strides, stride])
        raise CompositionError(
            f"{head.name} has an output stride of {head.output_stride}, but the network has features of stride {there}"
        )
    return strides.index(head.output_stride)


def _at(result: StackOutput, place: int) -> Tensor:
    return result.output if place == -1 else result.features[place].tensor


def _build(head: HeadSettings, in_channels: int, flattened: int) -> MapHead | VectorHead:
    if head.dense_units is None:
        return MapHead(in_channels, head.channels, head.activation)
    in_features = in_channels if head.global_pool else flattened
    return VectorHead(
        in_features, head.channels, head.dense_units, global_pool=head.global_pool, activation=head.activation
    )
