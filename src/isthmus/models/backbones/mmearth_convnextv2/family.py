"""How an encoder of MMEarth is built, and what its published files look like beside it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from isthmus.models.backbones.family import BandedFamily, FeatureFamily, FittedFamily
from isthmus.models.backbones.mmearth_convnextv2.catalog import BANDS, VARIANTS
from isthmus.models.backbones.mmearth_convnextv2.network import MMEarthEncoder
from isthmus.models.layers.arguments import image_bands
from isthmus.weights.adapter import Adapter

_BLOCK_NAMES = (
    (r"\bdwconv\.", "conv_dw."),
    (r"\bpwconv([12])\.", r"mlp.fc\1."),
    (r"\bgrn\.gamma$", "mlp.grn.weight"),
    (r"\bgrn\.beta$", "mlp.grn.bias"),
)


def block_entries(checkpoint: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The published entries under the names, and in the shapes, of timm's blocks."""
    entries = {}
    for key, tensor in checkpoint.items():
        for pattern, put in _BLOCK_NAMES:
            key = re.sub(pattern, put, key)
        entries[key] = tensor.flatten() if ".mlp.grn." in key else tensor
    return entries


@dataclass(frozen=True, kw_only=True)
class MMEarthConvNeXt(BandedFamily, FittedFamily, FeatureFamily):
    """The ConvNeXts of MMEarth, for twelve bands without names by default.

    Args:
        patch_size: pixels per cell of the last stage: 32 for the weights made with images of 128 pixels, 16 for those
            of 112, 8 for those of 56.
        use_orig_stem: whether the stem is that of ConvNeXt V2.
        drop_path: the rate of stochastic depth of the last block.
    """

    patch_size: int = 32
    use_orig_stem: bool = False
    drop_path: float = 0.0

    @property
    def image_bands(self) -> list[str | int]:
        """The bands of the images."""
        return image_bands(self.bands, self.in_chans, range(BANDS))

    def network(self) -> MMEarthEncoder:
        """The network, at random."""
        return MMEarthEncoder(
            VARIANTS[self.variant],
            self.image_bands,
            self.patch_size,
            use_orig_stem=self.use_orig_stem,
            out_indices=self.out_indices,
            drop_path=self.drop_path,
        )

    def adapter(self) -> Adapter:
        """What the published files look like beside the network: it begins with one stem or the other."""
        first = "stem_orig.0.weight" if self.use_orig_stem else "initial_conv.0.weight"
        return Adapter(first, renames={"norm.": None, "head.": None}, first_layer=first, convert=block_entries)
