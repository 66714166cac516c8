"""The sizes that tell one vision transformer of a family from another."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VitSizes:
    """The sizes of a variant: of a token, in blocks, in heads, of a patch in pixels."""

    embed_dim: int
    depth: int
    num_heads: int
    patch_size: int = 16
