"""Visual prompt tuning (arXiv 2203.12119): learned tokens beside those of the image, the rest of the encoder frozen."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.errors import ArgumentError
from isthmus.weights.uninitialised import initialised


class DeepPrompts(nn.ParameterList):
    """Prompts of their own for every block of a vision transformer: the deep form of visual prompt tuning.

    An encoder holds them as `vpt_prompt_embeddings`, which gives them their published names, and hands them to
    `run_blocks`. Freezing the encoder leaves them trainable.

    Args:
        depth: the number of blocks.
        tokens: the number of prompts of a block.
        channels: the size of a token.
        patch_size: the pixels of a patch, (height, width); the range of the initial values depends on it.
        dropout: the probability that a number of a prompt is set to zero in training.
    """

    stays_trainable = True

    def __init__(
        self, depth: int, tokens: int, channels: int, patch_size: tuple[int, int] = (16, 16), dropout: float = 0.0
    ) -> None:
        bound = math.sqrt(6.0 / (3 * math.prod(patch_size) + channels))
        with initialised():
            drawn = (nn.Parameter(torch.empty(1, tokens, channels).uniform_(-bound, bound)) for _ in range(depth))
            super().__init__(drawn)
        self.dropout = dropout

    def pass_block(
        self, block: nn.Module, index: int, tokens: Float[Tensor, "batch tokens channels"]
    ) -> Float[Tensor, "batch tokens channels"]:
        """Pass tokens through block `index` together with its prompts, and leave those behind."""
        prompts = F.dropout(self[index].to(tokens.dtype), self.dropout, self.training)
        beside = torch.cat([prompts.expand(len(tokens), -1, -1), tokens], dim=1)
        passed: Tensor = block(beside)
        return passed[:, prompts.shape[1] :]

    def extra_repr(self) -> str:
        """The dropout, for `print(module)`."""
        return f"dropout={self.dropout:g}"


@dataclass(frozen=True, slots=True)
class Prompting:
    """The prompts that are asked of an encoder.

    Attributes:
        vpt: whether there are any.
        vpt_n_tokens: how many prompts a block has.
        vpt_dropout: their dropout.

    Raises:
        ArgumentError: no number of prompts, or a dropout that is no probability.
    """

    vpt: bool = False
    vpt_n_tokens: int | None = None
    vpt_dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.vpt and (self.vpt_n_tokens is None or self.vpt_n_tokens < 1):
            raise ArgumentError(
                f"vpt_n_tokens is {self.vpt_n_tokens}: with vpt a number of prompts, from 1, was expected",
                argument="vpt_n_tokens",
            )
        if self.vpt and not 0.0 <= self.vpt_dropout < 1.0:
            raise ArgumentError(
                f"vpt_dropout is {self.vpt_dropout}: a probability below 1 was expected", argument="vpt_dropout"
            )

    def prompts(self, depth: int, channels: int, patch_size: tuple[int, int]) -> DeepPrompts | None:
        """The prompts for so many blocks, with tokens and patches of a size; None where none are asked for."""
        if not self.vpt or self.vpt_n_tokens is None:
            return None
        return DeepPrompts(depth, self.vpt_n_tokens, channels, patch_size, self.vpt_dropout)


NO_PROMPTS = Prompting()
