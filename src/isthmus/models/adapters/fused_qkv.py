"""Attention layers whose queries, keys and values come from one linear layer, taken apart and put together again."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.errors import ArgumentError, did_you_mean
from isthmus.models.adapters.targets import shared_names
from isthmus.weights.uninitialised import uninitialised

PARTS = ("q_linear", "k_linear", "v_linear")


class SplitQKV(nn.Module):
    """Three linear layers in the place of one: what it gives is the same.

    Args:
        fused: the layer for queries, keys and values together; it gives three times as many channels as it takes.
    """

    def __init__(self, fused: nn.Linear) -> None:
        super().__init__()
        for index, name in enumerate(PARTS):
            setattr(self, name, _rows(fused, index))

    def forward(self, x: Float[Tensor, "*batch channels"]) -> Float[Tensor, "*batch three_times_channels"]:
        """Queries, keys and values, one after the other along the channels."""
        return torch.cat([getattr(self, name)(x) for name in PARTS], dim=-1)


def split_qkv(encoder: nn.Module, suffix: str) -> None:
    """Put a `SplitQKV` in the place of every layer whose name ends in `suffix`.

    Raises:
        ArgumentError: no layer is called so, or one is no linear layer for queries, keys and values.
    """
    found = {name: part for name, part in encoder.named_modules() if f".{name}".endswith(f".{suffix}")}
    if not found:
        linear = [name for name, part in encoder.named_modules() if isinstance(part, nn.Linear)]
        there = shared_names(linear)
        hint = did_you_mean(suffix, there) or f"; its linear layers are called: {', '.join(there) or 'nothing'}"
        raise ArgumentError(f"peft_config.replace_qkv: no layer of {type(encoder).__name__} is called {suffix!r}{hint}")
    for name, layer in found.items():
        if not isinstance(layer, nn.Linear) or layer.out_features != 3 * layer.in_features:
            raise ArgumentError(
                f"peft_config.replace_qkv: {name} is {layer}; a linear layer with three times as many outputs as "
                "inputs was expected"
            )
    for name, layer in found.items():
        _put(encoder, name, SplitQKV(layer))


def fuse_qkv(encoder: nn.Module) -> None:
    """Put one linear layer in the place of every `SplitQKV`."""
    for name, split in list(_splits(encoder)):
        parts = [getattr(split, part) for part in PARTS]
        fused = _linear(parts[0].in_features, torch.cat([part.weight.detach() for part in parts]), None)
        if parts[0].bias is not None:
            fused.bias = nn.Parameter(torch.cat([part.bias.detach() for part in parts]))
        fused.train(split.training)
        _put(encoder, name, fused)


def _splits(encoder: nn.Module) -> Iterator[tuple[str, SplitQKV]]:
    return ((name, part) for name, part in encoder.named_modules() if isinstance(part, SplitQKV))


def _rows(fused: nn.Linear, index: int) -> nn.Linear:
    """One third of the outputs of a layer, as a layer."""
    weight = fused.weight.detach().chunk(3)[index].clone()
    bias = None if fused.bias is None else fused.bias.detach().chunk(3)[index].clone()
    part = _linear(fused.in_features, weight, bias)
    part.train(fused.training)
    return part


def _linear(in_features: int, weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """A layer of given weights, for which no random numbers are drawn."""
    with uninitialised():
        layer = nn.Linear(in_features, len(weight), bias=False)
    layer.weight = nn.Parameter(weight)
    layer.register_parameter("bias", None if bias is None else nn.Parameter(bias))
    return layer


def _put(encoder: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, own = name.rpartition(".")
    setattr(encoder.get_submodule(parent), own, layer)
