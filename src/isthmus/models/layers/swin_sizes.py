"""The sizes that tell one Swin transformer of a family from another."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SwinSizes:
    """The sizes of a variant.

    Attributes:
        embed_dim: of a token in the first stage.
        depths: the number of blocks of each stage.
        num_heads: the heads of the attentions of each stage.
    """

    embed_dim: int
    depths: Sequence[int]
    num_heads: Sequence[int]
