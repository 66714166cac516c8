"""The sizes that tell one vision transformer of a family from another."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VitSizes:
    """The sizes of a variant.

    Attributes:
        embed_dim: of a token.
        depth: the number of blocks.
        num_heads: the heads of each attention.
        patch_size: height and width of a patch in pixels.
        mlp_ratio: the hidden size of the feed-forward networks, in multiples of `embed_dim`.
    """

    embed_dim: int
    depth: int
    num_heads: int
    patch_size: int = 16
    mlp_ratio: float = 4.0
