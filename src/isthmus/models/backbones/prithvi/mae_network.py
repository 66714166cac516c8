"""Prithvi-EO as the masked autoencoder (arXiv 2111.06377) that it was trained as: it reconstructs hidden patches."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.errors import ShapeError
from isthmus.models.backbones.prithvi.trunk import PrithviConfig
from isthmus.models.backbones.prithvi.vit import PrithviViT
from isthmus.models.layers.coordinates import add_coordinates
from isthmus.models.layers.masking import Masking, mask_tokens
from isthmus.models.layers.sincos import grid_positions, native_positions
from isthmus.models.layers.transformer import TransformerBlock, run_blocks
from isthmus.models.layers.xavier import XavierLinear
from isthmus.models.reconstruction import Reconstruction, ReconstructionModel
from isthmus.weights.report import WeightsReport

Grid = tuple[int, int, int]
"""The number of patches along time, height and width."""


class PrithviDecoder(nn.Module):
    """Reconstructs all patches from the tokens of those that were seen.

    Args:
        config: the sizes of the encoder.
        embed_dim: the size of a token of the decoder, a multiple of 16.
        depth: the number of its blocks.
        num_heads: the heads of each attention.
    """

    decoder_pos_embed: Tensor

    def __init__(self, config: PrithviConfig, embed_dim: int, depth: int, num_heads: int) -> None:
        super().__init__()
        self.grid_size = config.grid
        frames, height, width = config.patch_size
        self.mask_token = nn.Parameter(torch.empty(1, 1, embed_dim))
        nn.init.trunc_normal_(self.mask_token, std=0.02)
        self.register_buffer("decoder_pos_embed", native_positions(embed_dim, config.grid))
        self.decoder_embed = XavierLinear(config.embed_dim, embed_dim)
        self.temporal_embed_dec = config.encoder_of("time", embed_dim)
        self.location_embed_dec = config.encoder_of("location", embed_dim)
        self.decoder_blocks = nn.ModuleList(
            TransformerBlock(embed_dim, num_heads, config.mlp_ratio) for _ in range(depth)
        )
        self.decoder_norm = nn.LayerNorm(embed_dim, eps=1e-5)
        self.decoder_pred = XavierLinear(embed_dim, frames * height * width * len(config.bands))

    def forward(
        self,
        latent: Float[Tensor, "batch tokens embed"],
        masking: Masking,
        grid: Grid,
        temporal_coords: Float[Tensor, "*dates"] | None = None,
        location_coords: Float[Tensor, "*places"] | None = None,
    ) -> Float[Tensor, "batch patches pixels"]:
        """The pixels of every patch, frame by frame, row by row, with the bands of a pixel beside each other."""
        tokens = self.decoder_embed(latent)
        patches = masking.put_back(tokens[:, 1:], self.mask_token).unflatten(1, grid)
        patches = patches + grid_positions(self.decoder_pos_embed, self.grid_size, (grid[1], grid[2]))
        encoders = (self.temporal_embed_dec, self.location_embed_dec)
        patches = add_coordinates(patches, *encoders, temporal_coords, location_coords)
        class_token = tokens[:, :1] + self.decoder_pos_embed[:, :1].to(tokens.dtype)
        tokens = torch.cat([class_token, patches.flatten(1, 3)], dim=1)
        [tokens] = run_blocks(self.decoder_blocks, self.decoder_norm, tokens, [len(self.decoder_blocks) - 1])
        pixels: Tensor = self.decoder_pred(tokens[:, 1:])
        return pixels


class PrithviMAE(ReconstructionModel):
    """The encoder of Prithvi-EO with the decoder that it was trained with.

    Args:
        config: the sizes.
        decoder_embed_dim: the size of a token of the decoder, a multiple of 16.
        decoder_depth: the number of its blocks.
        decoder_num_heads: the heads of each of its attentions.
        mask_ratio: the share of the patches that is hidden.
        norm_pix_loss: whether the loss compares patches that are normalised, each by its own mean and deviation.

    Attributes:
        weights_report: what was loaded from where; None where the weights are random.
    """

    def __init__(
        self,
        config: PrithviConfig,
        decoder_embed_dim: int = 512,
        decoder_depth: int = 8,
        decoder_num_heads: int = 16,
        mask_ratio: float = 0.75,
        *,
        norm_pix_loss: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = PrithviViT(config)
        self.decoder = PrithviDecoder(config, decoder_embed_dim, decoder_depth, decoder_num_heads)
        self.mask_ratio, self.norm_pix_loss = mask_ratio, norm_pix_loss
        self.weights_report: WeightsReport | None = None

    @property
    def patch_size(self) -> Grid:
        """Of a patch, (time, height, width)."""
        return self.encoder.patch_size

    def forward(
        self,
        x: Float[Tensor, "*image"],
        temporal_coords: Float[Tensor, "*dates"] | None = None,
        location_coords: Float[Tensor, "*places"] | None = None,
        mask_ratio: float | None = None,
        noise: Float[Tensor, "batch patches"] | None = None,
    ) -> Reconstruction:
        """Hide patches of a batch of images or of time series and reconstruct them.

        Args:
            x: `(B, C, T, H, W)`, or `(B, C, H, W)` for a model of one frame; sides are multiples of the patch.
            temporal_coords: `(B, T, 2)`, the year and the day of the year of each frame; see `PrithviViT`.
            location_coords: `(B, 2)`, latitude and longitude in degrees.
            mask_ratio: the share of the patches that is hidden; that of the model by default.
            noise: a number per patch: those with the smallest ones are seen. Drawn at random by default.

        Returns:
            The mean squared error over the hidden patches, the reconstruction of all patches in the shape of `x`, and
            the mask, without the axis of the bands. With `norm_pix_loss` the patches of the reconstruction are
            normalised like those that they were compared with.

        Raises:
            ShapeError: a tensor of another shape.
            ArgumentError: a `mask_ratio` that is no share.
        """
        series = self.encoder.as_time_series(x)
        grid = _grid(series, self.patch_size)
        patches = self.encoder.embed(series, temporal_coords, location_coords).flatten(1, 3)
        ratio = self.mask_ratio if mask_ratio is None else mask_ratio
        masking = mask_tokens((patches.shape[0], patches.shape[1]), ratio, patches.device, noise)
        latent = self.encode_seen(patches, masking)
        predicted = self.decoder(latent, masking, grid, temporal_coords, location_coords)
        loss = self._loss(to_patches(series, self.patch_size), predicted, masking.mask)
        image = from_patches(predicted, self.patch_size, grid)
        pixels = masking.mask[:, :, None].expand(-1, -1, predicted.shape[2] // series.shape[1])
        mask = from_patches(pixels, self.patch_size, grid)[:, 0]
        return Reconstruction(loss, image.reshape(x.shape), mask.reshape(x.shape[0], *x.shape[2:]))

    def forward_features(self, x: Float[Tensor, "*image"], **coords: Any) -> list[Float[Tensor, "batch tokens embed"]]:
        """What the encoder gives for images of which nothing is hidden; see `PrithviViT.forward`."""
        features: list[Tensor] = self.encoder(x, **coords)
        return features

    def encode_seen(
        self, patches: Float[Tensor, "batch patches embed"], masking: Masking
    ) -> Float[Tensor, "batch tokens embed"]:
        """What leaves the encoder for the patches that are seen, the class token first."""
        return self.encoder.encode(masking.take_seen(patches), [len(self.encoder.blocks) - 1])[0]

    def _loss(
        self,
        target: Float[Tensor, "batch patches pixels"],
        predicted: Float[Tensor, "batch patches pixels"],
        mask: Float[Tensor, "batch patches"],
    ) -> Float[Tensor, ""]:
        if self.norm_pix_loss:
            spread = (target.var(dim=-1, keepdim=True) + 1e-6).sqrt()
            target = (target - target.mean(dim=-1, keepdim=True)) / spread
        errors = (predicted - target).square().mean(dim=-1)
        return (errors * mask).sum() / mask.sum().clamp(min=1.0)


def to_patches(
    x: Float[Tensor, "batch bands frames height width"], patch_size: Grid
) -> Float[Tensor, "batch patches pixels"]:
    """Cut time series into patches: frame by frame, row by row, with the bands of a pixel beside each other."""
    batch, bands = x.shape[:2]
    cells = [part for size, patch in zip(x.shape[2:], patch_size, strict=True) for part in (size // patch, patch)]
    return x.reshape(batch, bands, *cells).permute(0, 2, 4, 6, 3, 5, 7, 1).flatten(4).flatten(1, 3)


def from_patches(
    patches: Float[Tensor, "batch patches pixels"], patch_size: Grid, grid: Grid
) -> Float[Tensor, "batch bands frames height width"]:
    """Put patches together again: the inverse of `to_patches`."""
    cells: Tensor = patches.unflatten(2, (*patch_size, -1)).unflatten(1, grid)
    return cells.permute(0, 7, 1, 4, 2, 5, 3, 6).flatten(6, 7).flatten(4, 5).flatten(2, 3)


def _grid(x: Tensor, patch_size: Grid) -> Grid:
    if any(size % patch for size, patch in zip(x.shape[2:], patch_size, strict=True)):
        raise ShapeError(
            f"the image of shape {tuple(x.shape)} does not divide into patches of {patch_size} (T, H, W): pad it to "
            "multiples of them"
        )
    frames, height, width = (size // patch for size, patch in zip(x.shape[2:], patch_size, strict=True))
    return frames, height, width
