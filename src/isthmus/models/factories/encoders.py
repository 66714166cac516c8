"""Building the encoder of a composition, with what it is wrapped in."""

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from isthmus.composition import WEIGHT_ARGUMENTS, Part
from isthmus.errors import CompositionError
from isthmus.models.temporal_wrapper import TemporalWrapper
from isthmus.registry import BACKBONE_REGISTRY
from isthmus.registry.multi import Source
from isthmus.signatures import Signature, check_arguments


def build_encoder(
    backbone: Part, time: Mapping[str, Any] | None = None, adapters: Mapping[str, Any] | None = None
) -> nn.Module:
    """Build an encoder by name, or take the module that is given, with what it is to be wrapped in.

    Args:
        backbone: the encoder.
        time: the arguments of the `TemporalWrapper` around it; None for none.
        adapters: the adapters to put into it, as `peft_config` describes them.

    Raises:
        ArgumentError: arguments contradict each other, or the encoder does not take them.
        CompositionError: features with an axis of time, which nothing takes, or an adapter without effect.
    """
    encoder: nn.Module = backbone.name
    if isinstance(backbone.name, str):
        encoder = build_part(BACKBONE_REGISTRY, backbone, f"the backbone {backbone.name!r}", "backbone_")
    bare = encoder
    if time is not None:
        encoder = _over_time(encoder, time)
    if adapters is not None:
        encoder = adapt_encoder(encoder, adapters, base_is_published=is_published(backbone, bare))
    return encoder


def build_part(registry: Source, part: Part, owner: str, prefix: str, *given: Any) -> Any:
    """Build a part by its name. Arguments that its source does not tell are held against its constructor now.

    Args:
        registry: where it is registered.
        part: its name and arguments.
        owner: what messages call it.
        prefix: what stands before its arguments, for messages.
        given: what its constructor is given first.

    Raises:
        ArgumentError: an argument is unknown or missing.
    """
    entry = registry.entry(part.name)
    if entry.known_signature() is None:
        signature = entry.signature()
        own = Signature(signature.parameters[len(given) :], signature.is_open)
        check_arguments(own, part.arguments, owner, prefix)
    return entry.build(*given, **part.arguments)


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
            stacklevel=5,
        )
    adapted = AdaptedEncoder(encoder, peft_config, base_is_published=base_is_published)
    check_adapters_are_called(adapted)
    return adapted


def is_published(part: Part, encoder: nn.Module) -> bool:
    """Whether all weights of an encoder come from a file, so that building it again gives the same ones."""
    if not isinstance(part.name, str) or not any(part.arguments.get(name) for name in WEIGHT_ARGUMENTS):
        return False
    report = getattr(encoder, "weights_report", None)
    return part.arguments.get("new_bands") != "random" and not getattr(report, "random", ())


def _over_time(encoder: nn.Module, arguments: Mapping[str, Any]) -> nn.Module:
    wrapper = TemporalWrapper(encoder, **arguments)
    if wrapper.feature_specs is None:
        raise CompositionError(
            "backbone_temporal_pooling is 'keep', which leaves an axis of time that no neck and no decoder takes; "
            "choose mean, max, diff or concat"
        )
    return wrapper
