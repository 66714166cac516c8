"""The published variants of Prithvi-EO as masked autoencoders, built by name, with their weights.

The network is in `prithvi_mae_network`, and its encoder the one that `prithvi` builds.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from isthmus.bands import expand_bands
from isthmus.errors import WeightsError
from isthmus.models.backbones.prithvi import PRETRAINED_BANDS, configured
from isthmus.models.backbones.prithvi_mae_network import PrithviMAE
from isthmus.weights.adapter import Adapter
from isthmus.weights.bands import fit_bands
from isthmus.weights.building import build_with_weights
from isthmus.weights.first_layer import FirstLayer

_IN_DECODER = ("decoder_", "mask_token", "temporal_embed_dec", "location_embed_dec")
_EMBEDDING = "patch_embed.proj.weight"


def prithvi_mae(
    variant: str,
    pretrained: bool = False,
    ckpt_path: str | Path | None = None,
    bands: Sequence[str | int | Sequence[int]] | None = None,
    in_chans: int | None = None,
    num_frames: int = 1,
    img_size: int | Sequence[int] = 224,
    patch_size: int | Sequence[int] | None = None,
    embed_dim: int | None = None,
    depth: int | None = None,
    num_heads: int | None = None,
    mlp_ratio: float = 4.0,
    coords_encoding: Sequence[str] | None = None,
    coords_scale_learn: bool | None = None,
    drop_path: float = 0.0,
    decoder_embed_dim: int = 512,
    decoder_depth: int = 8,
    decoder_num_heads: int = 16,
    mask_ratio: float = 0.75,
    norm_pix_loss: bool = False,
    pretrained_bands: Sequence[str | int | Sequence[int]] = PRETRAINED_BANDS,
    new_bands: str | None = None,
    allow_missing_weights: bool = False,
) -> PrithviMAE:
    """Build a masked autoencoder of the Prithvi-EO family.

    Args:
        variant: the name of the variant of the encoder, such as `prithvi_eo_v2_300_tl`.
        pretrained: load the published weights, from the Hub or its cache: encoder and decoder.
        ckpt_path: load the weights in this file instead; it is read whether or not `pretrained` is set.
        bands: the bands of the images, in order; the six that the weights were made for by default.
        in_chans: the number of bands, where they have no names.
        num_frames: the images of a time series.
        img_size: height and width of the images, or one number for both.
        patch_size: time steps, height and width of a patch, or one number for height and width.
        embed_dim: the size of a token of the encoder, where it is not to be that of the variant.
        depth: the number of its blocks, likewise.
        num_heads: the number of its attention heads, likewise.
        mlp_ratio: the hidden size of the feed-forward networks, in multiples of the size of a token.
        coords_encoding: "time" and "location", or either, or nothing; as in the variant by default.
        coords_scale_learn: whether the strength of these encodings is learned; as in the variant by default.
        drop_path: the rate of stochastic depth of the last block of the encoder.
        decoder_embed_dim: the size of a token of the decoder.
        decoder_depth: the number of its blocks.
        decoder_num_heads: the number of its attention heads.
        mask_ratio: the share of the patches that is hidden.
        norm_pix_loss: whether the loss compares patches that are normalised, each by its own mean and deviation.
        pretrained_bands: the bands that the weights were made for.
        new_bands: what bands that the weights do not know start from, "mean" or "random", both where they come in and
            where they are reconstructed.
        allow_missing_weights: leave parameters that the weights do not have at random instead of refusing.

    Returns:
        The autoencoder. Its `weights_report` says what was loaded. On the `meta` device nothing is loaded.

    Raises:
        ArgumentError: arguments that contradict each other or have no valid value.
        WeightsError: the weights cannot be found, read or fitted.
    """
    config = configured(
        variant,
        bands=bands,
        in_chans=in_chans,
        num_frames=num_frames,
        img_size=img_size,
        patch_size=patch_size,
        embed_dim=embed_dim,
        depth=depth,
        num_heads=num_heads,
        mlp_ratio=mlp_ratio,
        coords_encoding=coords_encoding,
        coords_scale_learn=coords_scale_learn,
        drop_path=drop_path,
    )
    decoder = (decoder_embed_dim, decoder_depth, decoder_num_heads)
    return build_with_weights(
        lambda: PrithviMAE(config, *decoder, mask_ratio, norm_pix_loss=norm_pix_loss),
        _published(config.bands, pretrained_bands),
        variant,
        pretrained=pretrained,
        ckpt_path=ckpt_path,
        bands=config.bands,
        pretrained_bands=pretrained_bands,
        new_bands=new_bands,
        allow_missing=allow_missing_weights,
    )


def _published(bands: Sequence[str | int], pretrained_bands: Sequence[str | int | Sequence[int]]) -> Adapter:
    """The published files: those of the second generation by their own names, those of the first without prefixes."""
    last = LastLayer(bands, pretrained_bands)
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
