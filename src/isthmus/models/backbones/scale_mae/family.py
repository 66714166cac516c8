"""How an encoder of Scale-MAE is built."""

from dataclasses import dataclass

from isthmus.models.backbones.family import BandedFamily, FittedFamily, PromptedFamily
from isthmus.models.backbones.scale_mae.catalog import VARIANTS
from isthmus.models.backbones.scale_mae.network import ScaleMAEEncoder
from isthmus.weights.adapter import Adapter


@dataclass(frozen=True, kw_only=True)
class ScaleMAE(PromptedFamily, BandedFamily, FittedFamily):
    """The Scale-MAE family. It returns the last block alone by default.

    Args:
        input_res: the size of a pixel on the ground in metres, where a sample does not tell.
    """

    input_res: float = 1.0

    default_indices = (-1,)
    published = Adapter(
        "patch_embed.proj.weight",
        # Positions are computed for each pixel size; norm and head are those of the classifier.
        renames={"pos_embed": None, "norm.": None, "fc_norm.": None, "head.": None},
        first_layer="patch_embed.proj.weight",
    )

    def network(self) -> ScaleMAEEncoder:
        """The network, at random."""
        return ScaleMAEEncoder(self.vit(self.image_bands, VARIANTS[self.variant]), self.input_res)
