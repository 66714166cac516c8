"""How an encoder of the Prithvi-EO family is built."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from isthmus.errors import ArgumentError
from isthmus.models.backbones.family import BandedFamily, FittedFamily, PromptedFamily, TransformerFamily
from isthmus.models.backbones.prithvi.catalog import VARIANTS
from isthmus.models.backbones.prithvi.trunk import COORDINATES, PrithviConfig
from isthmus.models.backbones.prithvi.vit import PrithviViT
from isthmus.models.backbones.prithvi.vit_adapter import PrithviViTAdapter
from isthmus.weights.adapter import Adapter


@dataclass(frozen=True, kw_only=True)
class PrithviFamily(TransformerFamily, BandedFamily, FittedFamily):
    """What can be asked of every network of the family.

    Args:
        num_frames: the images of a time series.
        patch_size: time steps, height and width of a patch, or one number for height and width.
        embed_dim: the size of a token, where it is not to be that of the variant.
        depth: the number of blocks, likewise.
        num_heads: the number of attention heads, likewise.
        mlp_ratio: the hidden size of the feed-forward networks, in multiples of `embed_dim`.
        coords_encoding: "time" and "location", or either, or nothing; as in the variant by default.
        coords_scale_learn: whether the strength of these encodings is learned; as in the variant by default.
    """

    num_frames: int = 1
    patch_size: int | Sequence[int] | None = None
    embed_dim: int | None = None
    depth: int | None = None
    num_heads: int | None = None
    mlp_ratio: float = 4.0
    coords_encoding: Sequence[str] | None = None
    coords_scale_learn: bool | None = None

    def config(self, **features: Any) -> PrithviConfig:
        """The sizes of the variant, with those that are given in the place of its own.

        Raises:
            ArgumentError: arguments that contradict each other or have no valid value.
        """
        sizes = VARIANTS[self.variant]
        own = (COORDINATES if sizes.coordinates else ()) if self.coords_encoding is None else self.coords_encoding
        return PrithviConfig(
            bands=self.image_bands,
            num_frames=self.num_frames,
            img_size=self.native_size,
            patch_size=_patch(sizes.patch_size if self.patch_size is None else self.patch_size),
            embed_dim=sizes.embed_dim if self.embed_dim is None else self.embed_dim,
            depth=sizes.depth if self.depth is None else self.depth,
            num_heads=sizes.num_heads if self.num_heads is None else self.num_heads,
            mlp_ratio=self.mlp_ratio,
            coords_encoding=own,
            coords_scale_learn=sizes.coordinates if self.coords_scale_learn is None else self.coords_scale_learn,
            drop_path=self.drop_path,
            **features,
        )


@dataclass(frozen=True, kw_only=True)
class Prithvi(PrithviFamily, PromptedFamily):
    """The encoders.

    Args:
        vit_adapter: put a ViT-Adapter (arXiv 2205.08534) around the encoder, for dense predictions. It then gives four
            maps at strides 4, 8, 16 and 32 instead of tokens, and takes single images. `out_indices` are the four
            blocks behind which tokens and maps exchange what they know; by default those that end the quarters.
    """

    vit_adapter: bool = False

    published = Adapter("patch_embed.proj.weight", first_layer="patch_embed.proj.weight", computed=("pos_embed",))

    def network(self) -> PrithviViT | PrithviViTAdapter:
        """The network, at random."""
        config = self.config(out_indices=self.out_indices, prompting=self.prompting)
        return PrithviViTAdapter(config) if self.vit_adapter else PrithviViT(config)

    def adapter(self) -> Adapter:
        """What the published files look like beside the network."""
        own = super().adapter()
        if not self.vit_adapter:
            return own
        added = (*own.added, *PrithviViTAdapter.added)
        return replace(own, renames={"level_embed": "spm.level_embed"}, added=added)


def _patch(size: int | Sequence[int]) -> tuple[int, int, int]:
    if isinstance(size, int):
        return 1, size, size
    if len(size) != 3:
        raise ArgumentError(
            f"patch_size is {list(size)}: one number, or time, height and width, were expected", argument="patch_size"
        )
    return size[0], size[1], size[2]
