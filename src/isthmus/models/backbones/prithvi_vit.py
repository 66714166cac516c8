"""The network of Prithvi-EO: a vision transformer over patches of space and time, with dates and places.

Prithvi-EO-1.0 (arXiv 2310.18660) and Prithvi-EO-2.0 (arXiv 2412.02732) are the encoders of masked autoencoders
(arXiv 2111.06377). The variants of the second that are called `tl` also take the date and the place of every image.
"""

import warnings
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.bands import expand_bands
from isthmus.errors import ArgumentError, ShapeError, did_you_mean
from isthmus.features import FeatureSpec, Layout
from isthmus.models.backbones.arguments import feature_indices
from isthmus.models.backbones.coordinates import CoordinateEncoder
from isthmus.models.backbones.sincos import resize_positions, sincos_3d
from isthmus.models.backbones.transformer import TransformerBlock, run_blocks
from isthmus.weights.report import WeightsReport

COORDINATES = ("time", "location")


class XavierConv3d(nn.Conv3d):
    """A convolution that starts as the linear layer that it is: Xavier's uniform distribution, a bias of zero."""

    def reset_parameters(self) -> None:
        """Draw new weights."""
        nn.init.xavier_uniform_(self.weight.data.flatten(1))
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class TubeletEmbedding(nn.Module):
    """Cuts a time series into patches of `(time, height, width)` and projects each to a token.

    Args:
        in_channels: the bands of a frame.
        channels: the size of a token.
        patch_size: the size of a patch, `(time, height, width)`.
    """

    def __init__(self, in_channels: int, channels: int, patch_size: tuple[int, int, int]) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.proj = XavierConv3d(in_channels, channels, kernel_size=patch_size, stride=patch_size)

    def forward(
        self, x: Float[Tensor, "batch bands time height width"]
    ) -> Float[Tensor, "batch grid_time grid_height grid_width channels"]:
        """Embed the patches, each at its place in the grid."""
        tokens: Tensor = self.proj(x)
        return tokens.permute(0, 2, 3, 4, 1)


class PrithviViT(nn.Module):
    """The encoder of Prithvi-EO.

    Takes `(B, C, T, H, W)`, or `(B, C, H, W)` where it was made for one frame. Number of frames and image size may
    differ from those that it was made for: the position embeddings follow. Gives, for each block in `out_indices`, the
    tokens `(B, 1 + T' x H' x W', embed_dim)` with the class token first; those of the last block are normalised.

    Args:
        bands: the bands of an image, in order: names, or integers where they have none.
        num_frames: the images of a time series.
        img_size: height and width of the images.
        patch_size: time steps, height and width of a patch.
        embed_dim: the size of a token, a multiple of 16.
        depth: the number of blocks.
        num_heads: the heads of each attention.
        mlp_ratio: the hidden size of the feed-forward networks, in multiples of `embed_dim`.
        coords_encoding: what is encoded beside the position: "time" (year and day of the year of every frame),
            "location" (latitude and longitude), both, or nothing.
        coords_scale_learn: whether the strength of these encodings is learned.
        out_indices: the blocks whose output is returned, the last ones as negative numbers; every block by default.
        drop_path: the rate of stochastic depth of the last block; it grows linearly from zero at the first.

    Attributes:
        out_channels: per returned feature, the channels once time is folded into them.
        feature_specs: per returned feature, its layout.
        in_channels: the number of bands.
        image_size: the native (height, width).
        patch_size: of a patch, (time, height, width).
        weights_report: what was loaded from where; None where the weights are random.

    Raises:
        ArgumentError: sizes that are not divisible by each other as they must be, or an unknown encoding.
    """

    pos_embed: Tensor

    def __init__(
        self,
        bands: Sequence[str | int | Sequence[int]],
        num_frames: int,
        img_size: tuple[int, int],
        patch_size: tuple[int, int, int],
        embed_dim: int,
        depth: int,
        num_heads: int,
        mlp_ratio: float = 4.0,
        coords_encoding: Sequence[str] = (),
        *,
        coords_scale_learn: bool = False,
        out_indices: Sequence[int] | None = None,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.bands = expand_bands(bands)
        self.in_channels = len(self.bands)
        self.num_frames, self.image_size, self.patch_size = num_frames, img_size, patch_size
        self.embed_dim = embed_dim
        self.out_indices = feature_indices(out_indices, depth)
        self.weights_report: WeightsReport | None = None
        _check_sizes(num_frames, img_size, patch_size, embed_dim, num_heads)
        _check_coordinates(coords_encoding, patch_size)

        self.cls_token = nn.Parameter(torch.empty(1, 1, embed_dim))
        nn.init.trunc_normal_(self.cls_token, std=0.02)
        self.register_buffer("pos_embed", _native_positions(embed_dim, self.grid_size).to(torch.get_default_device()))
        self.patch_embed = TubeletEmbedding(self.in_channels, embed_dim, patch_size)
        self.temporal_embed_enc = self.location_embed_enc = None
        if "time" in coords_encoding:
            self.temporal_embed_enc = CoordinateEncoder(embed_dim, learned_scale=coords_scale_learn)
        if "location" in coords_encoding:
            self.location_embed_enc = CoordinateEncoder(embed_dim, learned_scale=coords_scale_learn)
        rates = [drop_path * index / max(depth - 1, 1) for index in range(depth)]
        self.blocks = nn.ModuleList(TransformerBlock(embed_dim, num_heads, mlp_ratio, rate) for rate in rates)
        self.norm = nn.LayerNorm(embed_dim, eps=1e-5)

    @property
    def grid_size(self) -> tuple[int, int, int]:
        """The native number of patches along time, height and width."""
        frames, height, width = self.patch_size
        return self.num_frames // frames, self.image_size[0] // height, self.image_size[1] // width

    @property
    def out_channels(self) -> list[int]:
        """Per returned feature, the channels once time is folded into them."""
        return [spec.out_channels for spec in self.feature_specs]

    @property
    def feature_specs(self) -> list[FeatureSpec]:
        """Per returned feature, its layout, for the number of frames that the encoder was made for."""
        stride = (float(self.patch_size[1]), float(self.patch_size[2]))
        spec = FeatureSpec(self.embed_dim, Layout.TOKENS, stride, prefix_tokens=1, time_steps=self.grid_size[0])
        return [spec for _ in self.out_indices]

    def forward(
        self,
        x: Float[Tensor, "*image"],
        temporal_coords: Float[Tensor, "*dates"] | None = None,
        location_coords: Float[Tensor, "*places"] | None = None,
    ) -> list[Float[Tensor, "batch tokens embed"]]:
        """Encode a batch of images or of time series.

        Args:
            x: `(B, C, T, H, W)`, or `(B, C, H, W)` for an encoder of one frame.
            temporal_coords: `(B, T, 2)`, the year and the day of the year of each frame. Ignored by an encoder
                without the encoding of time; without them the encoding is left out.
            location_coords: `(B, 2)`, latitude and longitude in degrees; likewise.

        Raises:
            ShapeError: a tensor of another shape.
        """
        x = self._as_time_series(x)
        batch, _, frames, _, _ = x.shape
        patches: Tensor = self.patch_embed(x)
        patches = patches + self._positions(patches.shape[1], (patches.shape[2], patches.shape[3]))
        if self.temporal_embed_enc is not None and temporal_coords is not None:
            _check_coords("temporal_coords", temporal_coords, (batch, frames, 2), "year and day of the year")
            dates = self.temporal_embed_enc(temporal_coords.float())
            patches = patches + dates[:, :, None, None, :].to(patches.dtype)
        if self.location_embed_enc is not None and location_coords is not None:
            _check_coords("location_coords", location_coords, (batch, 2), "latitude and longitude")
            places = self.location_embed_enc(location_coords.float())
            patches = patches + places[:, None, None, None, :].to(patches.dtype)
        class_token = self.cls_token + self.pos_embed[:, :1]
        tokens = torch.cat([class_token.to(patches.dtype).expand(batch, -1, -1), patches.flatten(1, 3)], dim=1)
        return run_blocks(self.blocks, self.norm, tokens, self.out_indices)

    def _positions(self, frames: int, size: tuple[int, int]) -> Float[Tensor, "time height width embed"]:
        time, height, width = self.grid_size
        if frames == time:
            native = self.pos_embed[0, 1:].reshape(time, height, width, self.embed_dim)
        else:
            positions = self.pos_embed
            native = sincos_3d(self.embed_dim, (frames, height, width), torch.float32, positions.device)
            native = native.to(positions.dtype)
        return resize_positions(native, size)

    def _as_time_series(self, x: Tensor) -> Tensor:
        if x.ndim == 4 and self.num_frames == 1:
            x = x.unsqueeze(2)
        if x.ndim != 5:
            single = "(B, C, H, W) or " if self.num_frames == 1 else ""
            raise ShapeError(
                f"the encoder takes images of shape {single}(B, C, T, H, W) with T = {self.num_frames}, "
                f"but was given {tuple(x.shape)}"
            )
        if x.shape[1] != self.in_channels:
            names = ", ".join(str(band) for band in self.bands)
            raise ShapeError(
                f"the encoder takes {self.in_channels} bands ({names}), but the image of shape {tuple(x.shape)} "
                f"has {x.shape[1]}"
            )
        rests = [size % patch for size, patch in zip(x.shape[2:], self.patch_size, strict=True)]
        if any(size < patch for size, patch in zip(x.shape[2:], self.patch_size, strict=True)):
            raise ShapeError(f"the image of shape {tuple(x.shape)} is smaller than a patch {self.patch_size} (T, H, W)")
        if any(rests):
            warnings.warn(
                f"the image of shape {tuple(x.shape)} is no multiple of the patch {self.patch_size} (T, H, W): the "
                f"last {rests[0]} frames, {rests[1]} rows and {rests[2]} columns are not seen; pad it to avoid that",
                stacklevel=3,
            )
        return x


def _native_positions(channels: int, grid: tuple[int, int, int]) -> Float[Tensor, "1 tokens channels"]:
    cells = sincos_3d(channels, grid, device=torch.device("cpu")).flatten(0, 2).float()
    return torch.cat([cells.new_zeros(1, channels), cells])[None]


def _check_sizes(
    num_frames: int, img_size: tuple[int, int], patch_size: tuple[int, int, int], embed_dim: int, num_heads: int
) -> None:
    if embed_dim % 16 or embed_dim % num_heads:
        raise ArgumentError(
            f"embed_dim is {embed_dim} with num_heads {num_heads}: a multiple of 16 and of num_heads was expected"
        )
    if min(patch_size) < 1 or num_frames < 1 or num_frames % patch_size[0]:
        raise ArgumentError(f"num_frames is {num_frames}: a multiple of patch_size[0] = {patch_size[0]} was expected")
    if img_size[0] < patch_size[1] or img_size[1] < patch_size[2]:
        raise ArgumentError(f"img_size {img_size} is smaller than a patch of {patch_size[1:]}")


def _check_coordinates(coords_encoding: Sequence[str], patch_size: tuple[int, int, int]) -> None:
    for name in coords_encoding:
        if name not in COORDINATES:
            known = " and ".join(repr(each) for each in COORDINATES)
            raise ArgumentError(
                f"coords_encoding has no {name!r}{did_you_mean(name, COORDINATES) or '.'} It takes {known}"
            )
    if "time" in coords_encoding and patch_size[0] != 1:
        raise ArgumentError(
            f"patch_size is {patch_size}: with the encoding of time a patch covers one frame, as in "
            f"{(1, *patch_size[1:])}"
        )


def _check_coords(name: str, given: Tensor, expected: tuple[int, ...], meaning: str) -> None:
    if tuple(given.shape) != expected:
        raise ShapeError(f"{name} has the shape {tuple(given.shape)}: {expected} was expected, with {meaning} last")
