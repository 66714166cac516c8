"""How a small vision transformer with weights of TorchGeo is built."""

from dataclasses import dataclass

from isthmus.models.backbones.family import PromptedFamily
from isthmus.models.backbones.torchgeo_bands import TorchGeoFamily
from isthmus.models.backbones.torchgeo_vit.catalog import SIZES
from isthmus.models.backbones.torchgeo_vit.network import SmallViT
from isthmus.weights.adapter import Adapter


@dataclass(frozen=True, kw_only=True)
class TorchGeoViT(PromptedFamily, TorchGeoFamily):
    """The ViT-S/16 of SSL4EO-L and SSL4EO-S12. Images may have any other size than `img_size`."""

    published = Adapter(
        "patch_embed.proj.weight",
        renames={"norm.": None, "head.": None},
        first_layer="patch_embed.proj.weight",
        positions={"pos_embed": 1},
    )

    def network(self) -> SmallViT:
        """The network, at random."""
        return SmallViT(self.vit(self.image_bands, SIZES["small"]))
