"""The network of Clay: a vision transformer over images of any bands, told where, when and how finely they were taken.

Clay v1 and v1.5 (https://clay-foundation.github.io/model) are the encoders of masked autoencoders (arXiv 2111.06377)
with the wavelength-conditioned patch embedding of DOFA (arXiv 2403.15356).
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.errors import ArgumentError, ShapeError
from isthmus.models.backbones.vision_transformer import VisionTransformer, VitConfig
from isthmus.models.layers.dates import check_dates, check_places, weeks
from isthmus.models.layers.image_shape import check_image
from isthmus.models.layers.transformer import run_blocks
from isthmus.models.layers.wavelength_embedding import CHANNELS, ResidualLayers, WeightGenerator, as_wavelengths

_SCALE = 0.02  # of the generated weights
_METADATA = 4  # numbers for the time, and as many for the place
_WEEKS = 52  # of a year, as published


class DynamicPatchEmbedding(nn.Module):
    """Cuts images into patches and projects each to a token, with weights made from the wavelengths of the bands.

    Args:
        channels: the size of a token.
        patch_size: height and width of a patch.
    """

    def __init__(self, channels: int, patch_size: int) -> None:
        super().__init__()
        self.channels, self.patch_size = channels, patch_size
        self.fclayer = ResidualLayers(CHANNELS, F.gelu)
        self.weight_generator = WeightGenerator(channels, patch_size * patch_size * channels)

    def forward(
        self, x: Float[Tensor, "batch bands height width"], wavelengths: Float[Tensor, "bands"]
    ) -> Float[Tensor, "batch channels grid_height grid_width"]:
        """Embed the patches."""
        angles = wavelengths[:, None] * _frequencies(CHANNELS // 2, 1.0, wavelengths.device)
        embedded = torch.cat([angles.sin(), angles.cos()], dim=1).to(x.dtype)
        weight, bias = self.weight_generator(self.fclayer(embedded))
        kernel = weight.unflatten(1, (self.channels, self.patch_size, self.patch_size)).transpose(0, 1)
        return F.conv2d(x, kernel * _SCALE, bias, stride=self.patch_size)


class ClayEncoder(VisionTransformer):
    """The encoder of Clay v1 and v1.5.

    Takes `(B, C, H, W)` of any bands whose wavelengths are known, and any height and width that are multiples of the
    patch. Gives, for each block in `out_indices`, the tokens `(B, 1 + H' x W', embed_dim)` with the class token first;
    those of the last block are normalised.

    Args:
        config: the sizes; of tokens a multiple of 4.
        wavelengths: of each band, in micrometres.
        gsd: the size of a pixel on the ground in metres, where the images do not tell.

    Raises:
        ArgumentError: a pixel without a size.
    """

    def __init__(self, config: VitConfig, wavelengths: Sequence[float], gsd: float) -> None:
        super().__init__(config, metadata=("time", "latlon", "waves", "gsd", "temporal_coords", "location_coords"))
        self.wavelengths, self.gsd = list(wavelengths), gsd
        if not gsd > 0:
            raise ArgumentError(f"gsd is {gsd}: the size of a pixel in metres was expected", argument="gsd")
        self.patch_embedding = DynamicPatchEmbedding(self.embed_dim, config.sizes.patch_size)
        self.blocks = config.blocks(attention_bias=False)
        self.norm = nn.LayerNorm(self.embed_dim)

    def forward(
        self,
        x: Float[Tensor, "*image"],
        time: Float[Tensor, "*dates"] | None = None,
        latlon: Float[Tensor, "*places"] | None = None,
        waves: Tensor | Sequence[float] | None = None,
        gsd: Tensor | float | None = None,
        *,
        temporal_coords: Float[Tensor, "*days"] | None = None,
        location_coords: Float[Tensor, "*points"] | None = None,
    ) -> list[Float[Tensor, "batch tokens embed"]]:
        """Encode a batch of images.

        Args:
            x: `(B, C, H, W)`.
            time: `(B, 4)`, sine and cosine of the week of the year, then of the hour of the day, each as an angle. Zero
                where nothing is given, as in the pretraining.
            latlon: `(B, 4)`, sine and cosine of the latitude, then of the longitude; likewise.
            waves: `(C,)`, in micrometres, of the bands of these images, where they are not those that the encoder was
                made for. Their number may be another.
            gsd: the size of a pixel on the ground in metres, one number or one per image.
            temporal_coords: `(B, 1, 2)`, the year and the day of the year, in place of `time`; the hour is not known.
            location_coords: `(B, 2)`, latitude and longitude in degrees, in place of `latlon`.

        Raises:
            ShapeError: a tensor of another shape.
        """
        if time is None and temporal_coords is not None:
            check_dates(temporal_coords, len(x), 1)
            angle = weeks(temporal_coords).float() * (2 * math.pi / _WEEKS)
            time = torch.cat([angle.sin(), angle.cos(), torch.zeros_like(angle), torch.zeros_like(angle)], dim=1)
        if latlon is None and location_coords is not None:
            check_places(location_coords, len(x))
            angle = location_coords.float().deg2rad()
            latlon = torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)
        tokens = self.embed(x, time, latlon, waves, gsd)
        return run_blocks(self.blocks, self.norm, tokens, self.out_indices, self.vpt_prompt_embeddings)

    def embed(
        self,
        x: Float[Tensor, "*image"],
        time: Float[Tensor, "*dates"] | None = None,
        latlon: Float[Tensor, "*places"] | None = None,
        waves: Tensor | Sequence[float] | None = None,
        gsd: Tensor | float | None = None,
    ) -> Float[Tensor, "batch tokens embed"]:
        """What the first block is given: the class token, then the patches with all that is known about them."""
        grid = check_image(x, self.bands if waves is None else None, self.patch_size)
        wavelengths = as_wavelengths(self.wavelengths if waves is None else waves, x)
        patches = self.patch_embedding(x, wavelengths).flatten(2).transpose(1, 2)
        spacing = torch.as_tensor(self.gsd if gsd is None else gsd, dtype=torch.float32, device=x.device)
        if spacing.shape not in ((), (1,), (len(x),)):
            raise ShapeError(
                f"gsd has the shape {tuple(spacing.shape)}: one number, or {len(x)} of them, were expected"
            )
        positions = scaled_positions(self.embed_dim - 2 * _METADATA, grid, spacing.expand(len(x)))
        about = torch.cat([_metadata("time", time, x), _metadata("latlon", latlon, x)], dim=1)
        about = about[:, None].expand(-1, positions.shape[1], -1)
        patches = patches + torch.cat([positions, about], dim=2).to(patches.dtype)
        return torch.cat([self.cls_token.expand(len(x), -1, -1), patches], dim=1)


def scaled_positions(
    channels: int, grid: tuple[int, int], gsd: Float[Tensor, "batch"]
) -> Float[Tensor, "batch cells {channels}"]:
    """Embed the cells of a grid `(height, width)` at frequencies that grow with the size of a pixel.

    As published: the frequencies fall from 1 to 10,000 to the power of `-2 / channels` only.

    Args:
        channels: a multiple of 4: sines and cosines of the column, then of the row.
        grid: height and width, in patches.
        gsd: the size of a pixel in metres.
    """
    frequencies = _frequencies(channels // 4, 2 / channels, gsd.device) * gsd[:, None, None]
    rows, columns = (torch.arange(size, dtype=torch.float32, device=gsd.device) for size in grid)
    across, down = columns[:, None] * frequencies, rows[:, None] * frequencies
    shape = (len(gsd), *grid, channels // 2)
    across = torch.cat([across.sin(), across.cos()], dim=2)[:, None].expand(shape)
    down = torch.cat([down.sin(), down.cos()], dim=2)[:, :, None].expand(shape)
    return torch.cat([across, down], dim=3).flatten(1, 2)


def _frequencies(count: int, exponent: float, device: torch.device) -> Float[Tensor, "{count}"]:
    """From 1 to 10,000 to the power of minus the exponent, both included."""
    steps = torch.arange(count, dtype=torch.float32, device=device) / (count - 1)
    return 1.0 / 10_000.0 ** (steps * exponent)


def _metadata(name: str, given: Tensor | None, x: Tensor) -> Float[Tensor, "batch numbers"]:
    if given is None:
        return torch.zeros(len(x), _METADATA, device=x.device)
    if given.shape != (len(x), _METADATA):
        raise ShapeError(f"{name} has the shape {tuple(given.shape)}: {(len(x), _METADATA)} was expected")
    return given.float()
