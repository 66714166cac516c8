"""Adapters merged into the weights under them, for export."""

import copy

from torch import nn

from isthmus.models.adapters.adapted_encoder import AdaptedEncoder, explained
from isthmus.models.adapters.fused_qkv import fuse_qkv
from isthmus.models.adapters.switching import require_adapted


def merge_adapters(model: nn.Module) -> nn.Module:
    """A copy of a model in which the adapter in use has become part of the weights of the encoder.

    The encoder is the plain one again, with the names in its state dict that it had before it was adapted: layers for
    queries, keys and values that were taken apart are one again. The model itself stays as it is.

    Args:
        model: an adapted encoder, or a model with one.

    Returns:
        The encoder, or the model with it.

    Raises:
        ArgumentError: there are no adapters, or the method cannot be merged.
    """
    require_adapted(model)
    copied = copy.deepcopy(model)
    if isinstance(copied, AdaptedEncoder):
        return _merged(copied)
    for name, part in list(copied.named_modules()):
        if isinstance(part, AdaptedEncoder):
            parent, _, own = name.rpartition(".")
            setattr(copied.get_submodule(parent), own, _merged(part))
    return copied


def _merged(encoder: AdaptedEncoder) -> nn.Module:
    with explained(encoder.peft_config[encoder.active_adapter], "be merged into"):
        plain: nn.Module = encoder.tuner.merge_and_unload()
    fuse_qkv(plain)
    return plain.requires_grad_(requires_grad=True)
