"""The decoders of segmentation-models-pytorch (Iakubovskii, https://github.com/qubvel-org)."""

import ast
import importlib
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from isthmus.errors import ArgumentError, CompositionError, ShapeError, UnknownNameError, did_you_mean
from isthmus.registry.sources.smp import (
    ARCHITECTURES,
    PACKAGE,
    Architecture,
    decoder_argument,
    decoder_signature,
)
from isthmus.signatures import check_arguments, static_signature
from isthmus.specs.features import Requirement

_PREFINAL_CHANNELS = 32  # what smp fixes for Linknet
_DOUBLING = frozenset({"FPN", "Linknet", "MAnet", "UnetPlusPlus"})


class SmpDecoder(nn.Module):
    """The decoder of an architecture of smp, built on the channels of any features.

    smp counts the image itself as the first feature. Most of its decoders therefore use no more than the size of the
    first feature (Unet, UnetPlusPlus, MAnet, Linknet, Segformer), or leave out the first two (PAN, UPerNet); PSPNet and
    DeepLabV3 use the last one only. The output has the stride of the first feature for Unet, UnetPlusPlus, MAnet and
    Linknet.

    Args:
        channel_list: the channels of the features.
        architecture: smp's name.
        decoder_args: smp's arguments for the architecture, as far as they concern the decoder. Where a list of
            channels is left to smp's default, it is cut to the number of features.

    Raises:
        UnknownNameError: smp has no such architecture.
        ArgumentError: an argument that does not concern the decoder, or channels for another number of features.
        CompositionError: too few features.
    """

    includes_head = False

    def __init__(self, channel_list: Sequence[int], architecture: str = "Unet", **decoder_args: Any) -> None:
        super().__init__()
        described = _described(architecture)
        check_arguments(decoder_signature(architecture), decoder_args, f"smp_{architecture}")
        if len(channel_list) < described.least_features:
            least = described.least_features
            raise CompositionError(
                f"smp_{architecture} takes at least {least} features, but is given {len(channel_list)}"
            )
        arguments = _with_defaults(architecture, len(channel_list), decoder_args)
        self.architecture = architecture
        self._smp_decoder = _build(described, list(channel_list), arguments)
        width = getattr(self._smp_decoder, "out_channels", arguments.get(described.width, _PREFINAL_CHANNELS))
        self.out_channels: int = width if isinstance(width, int) else width[-1]
        self.requirement = self.requirement_for(architecture, **decoder_args)

    @staticmethod
    def requirement_for(architecture: str = "Unet", **decoder_args: Any) -> Requirement:
        """What features the decoder of an architecture takes."""
        levels = None
        if architecture == "DPT":
            levels = len(_with_defaults(architecture, 4, decoder_args)["decoder_intermediate_channels"])
        return Requirement(levels=levels, pyramid=_described(architecture).pyramid)

    def forward(self, features: list[Float[Tensor, "batch _ _ _"]]) -> Float[Tensor, "batch channels height width"]:
        """One grid from the features, the finest first.

        Raises:
            ShapeError: grids that the decoder cannot bring together by doubling.
        """
        _check_grids(self.architecture, features)
        if self.architecture == "DPT":
            decoded: Tensor = self._smp_decoder(list(features), [None] * len(features))
        else:
            decoded = self._smp_decoder(list(features))
        return decoded


def _check_grids(architecture: str, features: Sequence[Tensor]) -> None:
    """Most decoders of smp double a grid and join it with the next, which only whole pyramids allow."""
    sizes = [tuple(feature.shape[-2:]) for feature in features]
    if architecture == "DPT":
        fits = all(height % 2 == 0 and width % 2 == 0 for height, width in sizes)
    elif architecture in _DOUBLING:
        used = sizes[-4:] if architecture == "FPN" else sizes[1:]
        fits = all(fine == (2 * coarse[0], 2 * coarse[1]) for fine, coarse in itertools.pairwise(used))
    else:
        fits = True
    if not fits:
        grids = ", ".join(f"{height}x{width}" for height, width in sizes)
        wanted = "even grids" if architecture == "DPT" else "grids that halve exactly"
        raise ShapeError(
            f"smp_{architecture} takes {wanted}, but is given {grids}; give it images whose height and width are "
            "multiples of 32 (of twice the patch size under DPT), or take a decoder that resizes, such as smp_Unet"
        )


def _described(architecture: str) -> Architecture:
    if architecture not in ARCHITECTURES:
        hint = did_you_mean(architecture, ARCHITECTURES)
        raise UnknownNameError(f"smp has no decoder {architecture!r}{hint or '.'}")
    return ARCHITECTURES[architecture]


def _with_defaults(architecture: str, features: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with smp's defaults, and one width for each block of the decoder."""
    arguments = {
        parameter.name: ast.literal_eval(parameter.default)
        for parameter in decoder_signature(architecture).parameters
        if parameter.default is not None
    }
    if architecture == "DPT":
        arguments["encoder_output_strides"] = (16,) * features
    elif isinstance(arguments.get("decoder_channels"), tuple):
        arguments["decoder_channels"] = arguments["decoder_channels"][: features - 1]
        widths = given.get("decoder_channels", arguments["decoder_channels"])
        if len(widths) != features - 1:
            raise ArgumentError(
                f"smp_{architecture} has {features - 1} blocks over {features} features, but decoder_channels has "
                f"{len(widths)} numbers: {list(widths)}"
            )
    return {**arguments, **given}


def _build(described: Architecture, channel_list: list[int], arguments: dict[str, Any]) -> nn.Module:
    initialization = importlib.import_module(f"{PACKAGE}.base.initialization")
    module, _, name = described.decoder.partition(":")
    decoder_class = getattr(importlib.import_module(f"{PACKAGE}.decoders.{module}"), name)
    signature = static_signature(f"{PACKAGE}.decoders.{described.decoder}")
    accepted = () if signature is None else signature.names
    of_the_encoder = {
        "encoder_channels": channel_list,
        "encoder_out_channels": channel_list,
        "in_channels": channel_list[-1],
        "encoder_depth": len(channel_list) - 1,
        "n_blocks": len(channel_list) - 1,
        "prefinal_channels": _PREFINAL_CHANNELS,
        "encoder_has_prefix_tokens": False,
    }
    passed = {key: value for key, value in of_the_encoder.items() if key in accepted}
    passed |= {str(decoder_argument(key, accepted)): value for key, value in arguments.items()}
    decoder: nn.Module = decoder_class(**passed)
    initialization.initialize_decoder(decoder)
    return decoder
