"""Building one part of a model from a name, a class or a module, with its arguments checked first."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from isthmus.errors import ArgumentError, CompositionError
from isthmus.models.factories.arguments import take_temporal
from isthmus.models.heads import RegressionHead, ScalarHead, SegmentationHead
from isthmus.models.temporal_wrapper import TemporalWrapper
from isthmus.plan.automatic_necks import derive_necks
from isthmus.registry import BACKBONE_REGISTRY, DECODER_REGISTRY
from isthmus.signatures import Signature, check_arguments, live_signature
from isthmus.specs.features import FeatureSpec, Layout, Requirement

PIXEL_TASKS = ("segmentation", "regression", "keypoints")
WEIGHT_ARGUMENTS = ("pretrained", "ckpt_path", "checkpoint_path")
SCALAR_TASKS = ("classification", "scalar_regression")
TASKS = (*PIXEL_TASKS, *SCALAR_TASKS)

_DECODED_LAYOUTS = {
    **dict.fromkeys(PIXEL_TASKS, frozenset({Layout.GRID})),
    **dict.fromkeys(SCALAR_TASKS, frozenset({Layout.GRID, Layout.VECTOR})),
}


def build_encoder(
    backbone: str | nn.Module, arguments: Mapping[str, Any], peft_config: Mapping[str, Any] | None = None
) -> nn.Module:
    """Build an encoder by name, or take the module that is given, with what it is to be wrapped in.

    Args:
        backbone: the name of a backbone, or an encoder.
        arguments: those of the backbone, and those of the `TemporalWrapper` around it.
        peft_config: the adapters to put into it.

    Raises:
        UnknownNameError: no source has a backbone of that name.
        ArgumentError: an argument is unknown or missing, or arguments come with a module that is built already.
    """
    own = dict(arguments)
    temporal = take_temporal(own)
    encoder = _build_plain(backbone, own)
    if temporal is not None:
        encoder = _over_time(encoder, temporal)
    if peft_config is not None:
        encoder = adapt_encoder(encoder, peft_config, base_is_published=is_published(backbone, own, encoder))
    return encoder


def _over_time(encoder: nn.Module, arguments: Mapping[str, Any]) -> nn.Module:
    wrapper = TemporalWrapper(encoder, **arguments)
    if wrapper.feature_specs is None:
        raise CompositionError(
            "backbone_temporal_pooling is 'keep', which leaves an axis of time that no neck and no decoder takes; "
            "choose mean, max, diff or concat"
        )
    return wrapper


def adapt_encoder(encoder: nn.Module, peft_config: Mapping[str, Any], *, base_is_published: bool) -> nn.Module:
    """Put adapters into an encoder; see `isthmus.models.adapters.AdaptedEncoder`.

    Raises:
        ArgumentError: the `peft_config` is faulty, or leads to no layer of the encoder.
        CompositionError: an adapter would have no effect.
    """
    from isthmus.models.adapters.adapted_encoder import AdaptedEncoder
    from isthmus.models.adapters.unused import check_adapters_are_called

    if not base_is_published and not torch.empty(0).is_meta:
        warnings.warn(
            "peft_config: the encoder under the adapters has no pretrained weights, so random ones stay frozen; set "
            "backbone_pretrained, or load a checkpoint that holds them",
            UserWarning,
            stacklevel=4,
        )
    adapted = AdaptedEncoder(encoder, peft_config, base_is_published=base_is_published)
    check_adapters_are_called(adapted)
    return adapted


def _build_plain(backbone: str | nn.Module, arguments: Mapping[str, Any]) -> nn.Module:
    if isinstance(backbone, nn.Module):
        if arguments:
            raise ArgumentError(f"arguments {dict(arguments)} were passed but not used: the backbone is a module")
        return backbone
    check_arguments(BACKBONE_REGISTRY.entry(backbone).signature(), arguments, f"the backbone {backbone!r}", "backbone_")
    encoder: nn.Module = BACKBONE_REGISTRY.build(backbone, **arguments)
    return encoder


def is_published(backbone: str | nn.Module, arguments: Mapping[str, Any], encoder: nn.Module) -> bool:
    """Whether all weights of an encoder come from a file, so that building it again gives the same ones."""
    if not isinstance(backbone, str) or not any(arguments.get(name) for name in WEIGHT_ARGUMENTS):
        return False
    report = getattr(encoder, "weights_report", None)
    return arguments.get("new_bands") != "random" and not getattr(report, "random", ())


def count_outputs(task: str, num_classes: int | None, num_outputs: int | None) -> int | None:
    """How many outputs a model has, however it was said.

    Raises:
        ArgumentError: it was said twice, or as classes where there are none.
    """
    if num_classes is not None and num_outputs is not None:
        raise ArgumentError("only one of `num_outputs` and `num_classes` can be given")
    if task == "regression" and num_classes is not None:
        raise ArgumentError("num_classes is for classes; say num_outputs for a regression of several quantities")
    return num_classes if num_classes is not None else num_outputs


def size_multiple(patch: int | Sequence[int] | None, specs: Sequence[FeatureSpec]) -> list[int] | None:
    """What frames, height and width must be multiples of for an encoder and the necks behind it.

    Images must be cut into whole patches, or whatever the encoder asks for (see `size_multiple_of`), and into whole
    cells of the coarsest level that the necks make.
    """
    if patch is None:
        return None
    sizes = [patch] if isinstance(patch, int) else list(patch)
    frames, height, width = ([1] * (3 - len(sizes)) + sizes) if len(sizes) > 1 else (1, sizes[0], sizes[0])
    strides = [spec.stride for spec in specs if spec.stride is not None]
    for vertical, horizontal in strides:
        height = math.lcm(height, math.ceil(vertical))
        width = math.lcm(width, math.ceil(horizontal))
    return [frames, height, width]


@dataclass
class DecoderChoice:
    """A decoder before it is built: what it is called, what it needs, whether it brings its head.

    Attributes:
        given: a name, a class, or a module that is built already.
        arguments: what its constructor is given beside the channels.
        task: what the model is for.
        where: what stands before it in messages, such as `aux_heads.edges`.
    """

    given: "str | type[nn.Module] | nn.Module"
    arguments: dict[str, Any]
    task: str
    where: str = "decoder"

    @property
    def owner(self) -> str:
        """What messages call it."""
        name = self.given if isinstance(self.given, str) else getattr(self.given, "__name__", type(self.given).__name__)
        return f"the decoder {name!r}"

    @property
    def target(self) -> Any:
        """The constructor or the module."""
        return DECODER_REGISTRY.entry(self.given).load() if isinstance(self.given, str) else self.given

    @property
    def includes_head(self) -> bool:
        """Whether a head would be one too many."""
        own = getattr(self.target, "includes_head", None)
        if own is None and isinstance(self.given, str):
            return DECODER_REGISTRY.includes_head(self.given)
        return bool(own)

    @property
    def requirement(self) -> Requirement | None:
        """What the features must be like, where the decoder says it."""
        if isinstance(self.given, nn.Module):
            stated = getattr(self.given, "requirement", None)
        else:
            statement = getattr(self.target, "requirement_for", None)
            preset = DECODER_REGISTRY.entry(self.given).preset if isinstance(self.given, str) else {}
            stated = None if statement is None else statement(**preset, **self.arguments)
        return stated.within(_DECODED_LAYOUTS[self.task]) if isinstance(stated, Requirement) else None

    def check(self) -> None:
        """Hold the arguments against the constructor.

        Raises:
            ArgumentError: one is unknown or missing.
        """
        if isinstance(self.given, nn.Module):
            if self.arguments:
                raise ArgumentError(f"arguments {self.arguments} were passed but not used: the decoder is a module")
            return
        if isinstance(self.given, str):
            signature = DECODER_REGISTRY.entry(self.given).signature()
        else:
            signature = live_signature(self.given)
        channels_first = Signature(signature.parameters[1:], signature.is_open)
        check_arguments(channels_first, self.arguments, self.owner, "decoder_")

    def build(self, channels: list[int]) -> nn.Module:
        """Build it for features of so many channels."""
        if isinstance(self.given, nn.Module):
            return self.given
        if isinstance(self.given, str):
            decoder: nn.Module = DECODER_REGISTRY.build(self.given, channels, **self.arguments)
        else:
            decoder = self.given(channels, **self.arguments)
        return decoder


def give_outputs_to_decoder(choice: DecoderChoice, outputs: int | None) -> None:
    """Tell a decoder that includes its head how many outputs it makes.

    Raises:
        ArgumentError: the decoder was told another number already.
    """
    key = "out_channels" if choice.task == "regression" and _takes(choice, "out_channels") else "num_classes"
    told = choice.arguments.get(key, outputs)
    if outputs is not None and told != outputs:
        raise ArgumentError(
            f"decoder_{key}={told} contradicts num_classes={outputs}: {choice.owner} includes its head, so both name "
            "the same number; give one of them"
        )
    if told is not None:
        choice.arguments[key] = told


def _takes(choice: DecoderChoice, name: str) -> bool:
    if isinstance(choice.given, nn.Module):
        return False
    entry = DECODER_REGISTRY.entry(choice.given) if isinstance(choice.given, str) else None
    signature = live_signature(choice.target) if entry is None else entry.signature()
    return name in signature.names


_HEADS: dict[str, tuple[type[nn.Module], str, str]] = {
    "segmentation": (SegmentationHead, "in_channels", "num_classes"),
    "regression": (RegressionHead, "in_channels", "num_outputs"),
    "keypoints": (SegmentationHead, "in_channels", "num_classes"),
    "classification": (ScalarHead, "in_dim", "num_outputs"),
    "scalar_regression": (ScalarHead, "in_dim", "num_outputs"),
}


def check_head(task: str, outputs: int | None, arguments: Mapping[str, Any]) -> None:
    """Hold the arguments of the head of a task against its constructor.

    Raises:
        ArgumentError: the number of classes is missing, or an argument is unknown.
    """
    if outputs is None and task != "regression":
        wanted = "num_outputs" if task == "scalar_regression" else "num_classes"
        raise ArgumentError(f"`{wanted}` must be defined for a {task} task")
    constructor, *filled_in = _HEADS[task]
    signature = live_signature(constructor).without(filled_in)
    check_arguments(signature, arguments, f"the {constructor.__name__}", "head_")


def build_head(task: str, channels: int, outputs: int | None, arguments: Mapping[str, Any]) -> nn.Module:
    """Build the head of a task on top of a decoder with so many channels."""
    constructor, size_name, outputs_name = _HEADS[task]
    return constructor(**{size_name: channels, outputs_name: outputs or 1, **arguments})


def resolve_necks(
    necks: Sequence[Mapping[str, Any]] | str | None, specs: Sequence[FeatureSpec], requirement: Requirement | None
) -> list[dict[str, Any]]:
    """The necks of a configuration as a list, derived where it says `auto`.

    Raises:
        ArgumentError: `necks` is a string other than "auto", or the decoder does not say what it needs.
        CompositionError: no chain of necks can be derived.
    """
    if necks is None:
        return []
    if isinstance(necks, str):
        if necks != "auto":
            raise ArgumentError(f"necks is {necks!r}; give a list of necks, each with a name, or 'auto'")
        return derive_necks(specs, requirement or Requirement())
    return [dict(neck) for neck in necks]
