"""The model of a task: built by a factory or given, frozen in part, with a weight for each auxiliary output."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from isthmus.errors import ArgumentError
from isthmus.models.adapters.adapted_encoder import adapted_encoder
from isthmus.models.base import AuxiliaryHead, Model
from isthmus.registry import MODEL_FACTORY_REGISTRY
from isthmus.tasks.declaring import counts_of
from isthmus.tasks.loss_handler import check_auxiliary_names


def build_model(
    factory: str,
    purpose: str,
    arguments: Mapping[str, Any],
    outputs: int | None,
    aux_heads: Sequence[AuxiliaryHead | Mapping[str, Any]] | None,
) -> nn.Module:
    """Build a model by a factory.

    Args:
        factory: its name.
        purpose: what the model is for.
        arguments: those of the factory.
        outputs: how many outputs there must be, which is told unless the arguments say it.
        aux_heads: auxiliary heads, which win over those among the arguments.
    """
    told = dict(arguments)
    if told.get("num_classes") is None and told.get("num_outputs") is None:
        told[counts_of(purpose)] = outputs
    if aux_heads:
        told["aux_decoders"] = [
            each if isinstance(each, AuxiliaryHead) else AuxiliaryHead(**each) for each in aux_heads
        ]
    built: nn.Module = MODEL_FACTORY_REGISTRY.build(factory).build_model(purpose, **told)
    return built


def freeze_parts(model: nn.Module, adapters: Any, **parts: bool) -> None:
    """Freeze parts of a model, those of `encoder`, `decoder` and `head` that are true.

    Raises:
        ArgumentError: the model cannot freeze one, or the encoder has adapters or was to have some.
    """
    if parts.get("encoder") and (adapters or adapted_encoder(model)):
        raise ArgumentError(
            "freeze_backbone and peft_config exclude each other: the adapters are in the backbone, whose own weights "
            "they freeze already",
            argument="freeze_backbone",
        )
    for part in [part for part, wanted in parts.items() if wanted]:
        freeze = getattr(model, f"freeze_{part}", None)
        if freeze is None:
            raise ArgumentError(f"{type(model).__name__} cannot freeze its {part}: no freeze_{part}()")
        freeze()


def weigh_auxiliary_outputs(model: nn.Module, given: Mapping[str, float] | None) -> Mapping[str, float] | None:
    """The weight of every auxiliary loss: what is given, over what the model says itself.

    Raises:
        ArgumentError: the names of heads and weights differ.
    """
    heads = getattr(model, "aux_heads", None)
    own = model.auxiliary_weights if isinstance(model, Model) else {}
    weights = {**own, **(given or {})} if own else given
    if own or isinstance(heads, nn.ModuleDict):
        check_auxiliary_names([*own, *(heads if isinstance(heads, nn.ModuleDict) else ())], weights)
    return weights
