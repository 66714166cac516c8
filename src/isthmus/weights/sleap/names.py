"""What SLEAP, and with it Keras, calls the layers and weights of our networks."""

import math
from typing import NamedTuple

from torch import nn

from isthmus.blocks.encoder_decoder import EncoderDecoder
from isthmus.blocks.simple_upsampling import UpsamplingModule
from isthmus.blocks.stack import Stack
from isthmus.errors import CompositionError

CONTAINERS = ("upsample", "refine", "block", "skip")
"""Modules that only hold layers, which do not show in the names of these."""

CONVOLUTION = {"weight": "kernel", "bias": "bias"}
NORMALIZATION = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}


class KerasWeight(NamedTuple):
    """The name of a weight in Keras.

    Attributes:
        layer: the name of the layer.
        weight: the name within it: kernel, bias, gamma, beta, moving_mean or moving_variance.
    """

    layer: str
    weight: str


def backbone_weights(network: EncoderDecoder) -> dict[str, KerasWeight]:
    """The Keras name of every parameter and running statistic of an encoder-decoder, by its name in the state dict.

    Raises:
        CompositionError: the network has a part that SLEAP's do not have.
    """
    return {
        f"{path}.{own}": KerasWeight(backbone_layer(network, path), name)
        for path, module in network.named_modules()
        for own, name in weight_names(module).items()
    }


def weight_names(module: nn.Module) -> dict[str, str]:
    """What Keras calls the weights that a layer has itself, by their name in PyTorch."""
    if isinstance(module, nn.BatchNorm2d):
        return NORMALIZATION
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        return {own: name for own, name in CONVOLUTION.items() if getattr(module, own) is not None}
    return {}


def backbone_layer(network: EncoderDecoder, path: str) -> str:
    """The Keras name of a layer: `stack.0.decoder.1.refine.refine_conv0` is `stack0_dec1_s8_to_s4_refine_conv0`.

    Args:
        network: the network.
        path: the path of the layer in it.

    Raises:
        CompositionError: the layer is in a part that SLEAP's networks do not have.
    """
    match path.split("."):
        case ["stem", index, *rest]:
            return f"stem{index}_{layer_in_block('.'.join(rest))}"
        case ["stack", stack, "encoder", index, *rest]:
            return f"stack{stack}_enc{index}_{layer_in_block('.'.join(rest))}"
        case ["stack", stack, "decoder", index, *rest]:
            prefix = f"stack{stack}_dec{index}" + _steps(network.stack[int(stack)], int(index))
            return f"{prefix}_{layer_in_block('.'.join(rest))}"
    raise CompositionError(f"the layer {path} of {type(network).__name__} has no counterpart in a network of SLEAP")


def layer_in_block(path: str) -> str:
    """The Keras name of a layer within its block: without the modules that only hold layers."""
    return "_".join(part for part in path.split(".") if part not in CONTAINERS)


def _steps(stack: nn.Module, index: int) -> str:
    """From which stride to which a block of the decoder leads, where that is in the names of its layers."""
    if not isinstance(stack, Stack) or not isinstance(stack.decoder[index], UpsamplingModule):
        return ""
    coarse = stack.encoder_stride // math.prod(stack.upsampling_strides[:index])
    return f"_s{coarse}_to_s{coarse // stack.upsampling_strides[index]}"
