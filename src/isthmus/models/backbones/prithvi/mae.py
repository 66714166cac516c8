"""How a masked autoencoder of the Prithvi-EO family is built."""

from collections.abc import Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from isthmus.bands import expand_bands
from isthmus.errors import WeightsError
from isthmus.models.backbones.prithvi.family import PrithviFamily
from isthmus.models.backbones.prithvi.mae_network import PrithviMAE
from isthmus.weights.adapter import Adapter
from isthmus.weights.bands import fit_bands
from isthmus.weights.first_layer import FirstLayer

_IN_DECODER = ("decoder_", "mask_token", "temporal_embed_dec", "location_embed_dec")
_EMBEDDING = "patch_embed.proj.weight"


@dataclass(frozen=True, kw_only=True)
class PrithviAutoencoder(PrithviFamily):
    """The masked autoencoders. `new_bands` also says what bands start from where they are reconstructed.

    Args:
        decoder_embed_dim: the size of a token of the decoder.
        decoder_depth: the number of its blocks.
        decoder_num_heads: the number of its attention heads.
        mask_ratio: the share of the patches that is hidden.
        norm_pix_loss: whether the loss compares patches that are normalised, each by its own mean and deviation.
    """

    decoder_embed_dim: int = 512
    decoder_depth: int = 8
    decoder_num_heads: int = 16
    mask_ratio: float = 0.75
    norm_pix_loss: bool = False

    def network(self) -> PrithviMAE:
        """The network, at random."""
        decoder = (self.decoder_embed_dim, self.decoder_depth, self.decoder_num_heads)
        return PrithviMAE(self.config(), *decoder, self.mask_ratio, norm_pix_loss=self.norm_pix_loss)

    def adapter(self) -> Adapter:
        """The published files: the second generation by its own names, the first without prefixes."""
        known = self.facts["bands"] if self.pretrained_bands is None else self.pretrained_bands
        last = LastLayer(self.image_bands, known)
        return Adapter(
            f"encoder.{_EMBEDDING}",
            first_layer=f"encoder.{_EMBEDDING}",
            first_layers={"decoder.decoder_pred.weight": last, "decoder.decoder_pred.bias": last},
            computed=("encoder.pos_embed", "decoder.decoder_pos_embed"),
            convert=_with_prefixes,
        )


class LastLayer(FirstLayer):
    """The bands that the last layer reconstructs: along its first axis all pixels of a patch, the bands of each."""

    def fit(
        self,
        weight: Float[Tensor, "pixels *channels"],
        own: Float[Tensor, "own_pixels *own_channels"],
        source: str,
        new_bands: str | None = None,
    ) -> tuple[Float[Tensor, "new_pixels *channels"], str | None]:
        """Make the weights for the bands of the images from those for other bands; see `fit_bands`."""
        pixels = own.shape[0] // len(self.bands)
        if weight.shape[0] % pixels:
            raise WeightsError(
                f"{source}: the last layer has the shape {tuple(weight.shape)}, which is that of another model: "
                f"{pixels} pixels of a patch times the number of bands were expected in the first place"
            )
        planes, own_planes = (each.unflatten(0, (pixels, -1)) for each in (weight, own))
        known, bands = expand_bands(self.pretrained_bands), expand_bands(self.bands)
        fitted, how = fit_bands(planes, known, bands, own_planes, source, new_bands)
        return fitted.flatten(0, 1), how


def _with_prefixes(checkpoint: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Put the entries of encoder and decoder apart where a file has them side by side, as the first ones have."""
    embeddings = [key for key in checkpoint if key == _EMBEDDING or key.endswith(f".{_EMBEDDING}")]
    outer = embeddings[0].removesuffix(_EMBEDDING) if embeddings else ""
    if outer.endswith("encoder."):
        return checkpoint
    return {
        f"{outer}{'decoder.' if key.removeprefix(outer).startswith(_IN_DECODER) else 'encoder.'}"
        f"{key.removeprefix(outer)}": tensor
        for key, tensor in checkpoint.items()
        if key.startswith(outer)
    }
