"""How an encoder of DOFA is built."""

from collections.abc import Sequence
from dataclasses import dataclass

from isthmus.bands import expand_bands
from isthmus.models.backbones.dofa.catalog import VARIANTS
from isthmus.models.backbones.dofa.network import DOFAEncoder
from isthmus.models.backbones.family import PromptedFamily
from isthmus.models.layers.wavelength_embedding import wavelengths_of
from isthmus.weights.adapter import Adapter


@dataclass(frozen=True, kw_only=True)
class DOFA(PromptedFamily):
    """The DOFA family, for images of any bands whose wavelength is known. It returns the last block alone by default.

    Args:
        model_bands: the bands of the images, in order. What stands before a point in a name, as in `HLSBands.RED`, does
            not count.
        wavelengths: the wavelength of each band in micrometres; those in `isthmus.bands.WAVELENGTHS` by default.
    """

    model_bands: Sequence[str | int | Sequence[int]]
    wavelengths: Sequence[float] | None = None

    default_indices = (-1,)
    published = Adapter(
        "patch_embed.weight_generator.weight_tokens",
        renames={
            "patch_embed.weight_generator.transformer_encoder.": "patch_embed.weight_generator.encoder.",
            "patch_embed.fclayer.w": "patch_embed.fclayer.l",
            "fc_norm.": None,  # of the classifier, as is the head
            "head.": None,
        },
        positions={"pos_embed": 1},
    )

    def network(self) -> DOFAEncoder:
        """The network, at random."""
        named = expand_bands(self.model_bands)
        bands = [band.rpartition(".")[2] if isinstance(band, str) else band for band in named]
        config = self.vit(bands, VARIANTS[self.variant])
        return DOFAEncoder(config, wavelengths_of(bands, self.wavelengths))
