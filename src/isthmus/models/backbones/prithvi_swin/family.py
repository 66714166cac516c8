"""How an encoder of the Prithvi-Swin family is built."""

from collections.abc import Sequence
from dataclasses import dataclass

from isthmus.errors import ArgumentError
from isthmus.models.backbones.family import BandedFamily, FeatureFamily, FittedFamily
from isthmus.models.backbones.prithvi_swin.catalog import VARIANTS
from isthmus.models.backbones.prithvi_swin.network import PrithviSwinEncoder
from isthmus.models.layers.arguments import pair
from isthmus.models.layers.swin_sizes import SwinSizes
from isthmus.weights.adapter import Adapter


@dataclass(frozen=True, kw_only=True)
class PrithviSwin(BandedFamily, FittedFamily, FeatureFamily):
    """The Prithvi-Swin family.

    Args:
        num_frames: always 1: it takes single images.
        embed_dim: the size of a token in the first stage, where it is not to be that of the variant.
        depths: the number of blocks of each stage, likewise.
        num_heads: the number of attention heads of each stage, likewise.
        window_size: the side of a window in tokens.
        drop_path: the rate of stochastic depth of the last block.
    """

    num_frames: int = 1
    embed_dim: int | None = None
    depths: Sequence[int] | None = None
    num_heads: Sequence[int] | None = None
    window_size: int = 7
    drop_path: float = 0.0

    published = Adapter(
        "patch_embed.projection.weight",
        renames={
            **{f"stages_{stage}.": f"stages.{stage}." for stage in range(4)},
            **{f"norm{stage}.": f"stages.{stage}.norm." for stage in range(4)},
        },
        first_layer="patch_embed.projection.weight",
    )

    def network(self) -> PrithviSwinEncoder:
        """The network, at random."""
        if self.num_frames != 1:
            raise ArgumentError(
                f"num_frames is {self.num_frames}, but {self.variant} takes single images; run it on time series with "
                "use_temporal",
                argument="num_frames",
            )
        published = VARIANTS[self.variant]
        sizes = SwinSizes(
            published.embed_dim if self.embed_dim is None else self.embed_dim,
            published.depths if self.depths is None else self.depths,
            published.num_heads if self.num_heads is None else self.num_heads,
        )
        size = pair(self.facts["image_size"], "img_size")
        return PrithviSwinEncoder(sizes, self.image_bands, size, self.window_size, self.out_indices, self.drop_path)
