"""What AdaLoRA does beside the optimiser: a penalty in the loss, and ranks that are moved between layers."""

import torch
from jaxtyping import Float
from torch import Tensor

from isthmus.models.adapters.adapted_encoder import AdaptedEncoder


def adapter_penalty(encoder: AdaptedEncoder) -> Float[Tensor, ""] | None:
    """What the adapter in use adds to the loss; None for methods that add nothing.

    For AdaLoRA (arXiv 2303.10512, section 3.1) how far its factors are from orthogonal, the mean over them, times
    `orth_reg_weight`.
    """
    weight = getattr(encoder.peft_config[encoder.active_adapter], "orth_reg_weight", 0)
    if not weight:
        return None
    terms = []
    for name, factor in encoder.named_parameters():
        if f".{encoder.active_adapter}" in name and (".lora_A." in name or ".lora_B." in name):
            product = factor @ factor.T if ".lora_A." in name else factor.T @ factor
            terms.append(torch.linalg.matrix_norm(product - torch.eye(len(product), device=product.device)))
    return weight * torch.stack(terms).mean()


def after_step(encoder: AdaptedEncoder, step: int) -> None:
    """Let the adapter in use act on the gradients of a step that has been taken; AdaLoRA moves its ranks."""
    allocate = getattr(encoder.tuner, "update_and_allocate", None)
    if allocate is not None:
        allocate(step)
