"""The networks of SatMAE (arXiv 2207.08051): vision transformers over images, over groups of bands and over time.

All three are the encoders of masked autoencoders (arXiv 2111.06377). They differ in the tokens that they make of their
input and in what they add to them; the rest is one.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.errors import ArgumentError, ShapeError, did_you_mean
from isthmus.models.backbones.vision_transformer import VisionTransformer, VitConfig
from isthmus.models.layers.dates import check_dates, months
from isthmus.models.layers.image_shape import check_image
from isthmus.models.layers.patch_embedding import PatchEmbedding
from isthmus.models.layers.sincos import native_positions, resize_positions, sincos_1d
from isthmus.models.layers.transformer import run_blocks

GROUP_CHANNELS = 256  # of a token, that tell the group of bands
TIME_CHANNELS = 128  # of a token, that tell the year, and as many for the month and for the hour
FIRST_DATE = (2002.0, 1.0, 0.0)  # year, month and hour, that are encoded as zero


class SatMAETrunk(VisionTransformer):
    """What the encoders of SatMAE have in common: positions, a class token and the blocks.

    Args:
        config: the sizes.
        steps: how many grids of tokens follow one another.
        other_channels: the channels of a token that tell something else than its position.
        published: what else the encoder says of what it takes; see `VisionTransformer`.
    """

    pos_embed: Tensor

    def __init__(self, config: VitConfig, steps: int = 1, other_channels: int = 0, **published: Any) -> None:
        super().__init__(config, steps=steps, **published)
        self.register_buffer("pos_embed", native_positions(self.embed_dim - other_channels, self.grid_size))
        self.blocks = config.blocks(norm_eps=1e-6)
        self.norm = nn.LayerNorm(self.embed_dim, eps=1e-6)

    def positions(self, grid: tuple[int, int]) -> Float[Tensor, "1 height width channels"]:
        """The position embeddings of a grid of patches."""
        return resize_positions(self.pos_embed[:, 1:].unflatten(1, self.grid_size), grid)

    def encode(
        self,
        patches: Float[Tensor, "batch steps height width embed"],
        about: Float[Tensor, "about_batch about_steps height width embed"],
        about_class: Float[Tensor, "1 1 embed"],
    ) -> list[Float[Tensor, "batch tokens embed"]]:
        """Pass patches and the class token through the blocks, once what is known about them is added."""
        patches = patches + about.to(patches.dtype)
        class_token = (self.cls_token + about_class).to(patches.dtype).expand(len(patches), -1, -1)
        tokens = torch.cat([class_token, patches.flatten(1, 3)], dim=1)
        return run_blocks(self.blocks, self.norm, tokens, self.out_indices, self.vpt_prompt_embeddings)


class SatMAEEncoder(SatMAETrunk):
    """The encoder of SatMAE for single images: a plain vision transformer.

    Takes `(B, C, H, W)` of any height and width that are multiples of the patch: the position embeddings follow. Gives,
    for each block in `out_indices`, the tokens `(B, 1 + H' x W', embed_dim)` with the class token first; those of the
    last block are normalised.

    Args:
        config: the sizes.
    """

    def __init__(self, config: VitConfig) -> None:
        super().__init__(config)
        self.patch_embed = PatchEmbedding(len(config.bands), self.embed_dim, config.sizes.patch_size)

    def forward(self, x: Float[Tensor, "*image"]) -> list[Float[Tensor, "batch tokens embed"]]:
        """Encode a batch of images `(B, C, H, W)`.

        Raises:
            ShapeError: a tensor of another shape.
        """
        grid = check_image(x, self.bands, self.patch_size)
        return self.encode(self.patch_embed(x)[:, None], self.positions(grid)[:, None], self.pos_embed[:, :1])


class GroupedSatMAEEncoder(SatMAETrunk):
    """The encoder of SatMAE for multispectral images: a grid of tokens for each group of bands.

    Takes `(B, C, H, W)`, as `SatMAEEncoder` does. Gives tokens `(B, 1 + groups x H' x W', embed_dim)`. A group none of
    whose bands are in the images has no tokens.

    Args:
        config: the sizes; of tokens more than 256.
        groups: the groups of bands. Each band of the images is in one of them.

    Attributes:
        members: the places in the image of the bands of each group that has any.

    Raises:
        ArgumentError: a band that is in no group or in several.
    """

    channel_embed: Tensor
    channel_cls_embed: Tensor

    def __init__(self, config: VitConfig, groups: Sequence[Sequence[str | int]]) -> None:
        _check_groups(config.bands, groups)
        places = [[index for index, band in enumerate(config.bands) if band in group] for group in groups]
        super().__init__(config, sum(map(bool, places)), GROUP_CHANNELS)
        self.members = {group: members for group, members in enumerate(places) if members}
        self.patch_embed = nn.ModuleDict(
            {
                str(group): PatchEmbedding(len(members), self.embed_dim, config.sizes.patch_size)
                for group, members in self.members.items()
            }
        )
        numbers = torch.arange(len(groups), dtype=torch.float64, device="cpu")
        names = sincos_1d(numbers, GROUP_CHANNELS).float()[None].to(torch.get_default_device())
        self.register_buffer("channel_embed", names)
        self.register_buffer("channel_cls_embed", torch.zeros_like(names[:, :1]))

    def forward(self, x: Float[Tensor, "*image"]) -> list[Float[Tensor, "batch tokens embed"]]:
        """Encode a batch of images `(B, C, H, W)`.

        Raises:
            ShapeError: a tensor of another shape.
        """
        grid = check_image(x, self.bands, self.patch_size)
        patches = [self.patch_embed[str(group)](x[:, members]) for group, members in self.members.items()]
        names = self.channel_embed[:, list(self.members)]
        positions = self.positions(grid)[:, None].expand(-1, self.steps, -1, -1, -1)
        names = names[:, :, None, None].expand(-1, -1, *grid, -1)
        about_class = torch.cat([self.pos_embed[:, :1], self.channel_cls_embed], dim=2)
        return self.encode(torch.stack(patches, dim=1), torch.cat([positions, names], dim=4), about_class)


class TemporalSatMAEEncoder(SatMAETrunk):
    """The encoder of SatMAE for time series: a grid of tokens for each image, which also tell its date.

    Takes `(B, C, T, H, W)`. Gives tokens `(B, 1 + T x H' x W', embed_dim)`.

    Args:
        config: the sizes; of tokens more than 384.
        num_frames: the images of a time series, T.

    Raises:
        ArgumentError: no images.
    """

    def __init__(self, config: VitConfig, num_frames: int) -> None:
        if num_frames < 1:
            raise ArgumentError(f"num_frames is {num_frames}: at least 1 was expected", argument="num_frames")
        metadata = ("timestamps", "temporal_coords")
        own = {"frames": num_frames, "time_axis": True, "metadata": metadata}
        super().__init__(config, num_frames, 3 * TIME_CHANNELS, **own)
        self.patch_embed = PatchEmbedding(len(config.bands), self.embed_dim, config.sizes.patch_size)

    def forward(
        self,
        x: Float[Tensor, "*image"],
        timestamps: Tensor | None = None,
        temporal_coords: Float[Tensor, "*dates"] | None = None,
    ) -> list[Float[Tensor, "batch tokens embed"]]:
        """Encode a batch of time series.

        Args:
            x: `(B, C, T, H, W)`.
            timestamps: `(B, T, 3)`, the year, the month from 1 and the hour from 0 of each image. Without them the
                tokens do not tell the date.
            temporal_coords: `(B, T, 2)`, the year and the day of the year of each image, in place of `timestamps`: the
                tokens then tell the year and the month, but no hour.

        Raises:
            ShapeError: a tensor of another shape.
        """
        if x.ndim != 5 or x.shape[2] != self.input_spec.frames:
            raise ShapeError(
                f"the encoder takes images of shape (B, C, T, H, W) with T = {self.input_spec.frames}, but was given "
                f"{tuple(x.shape)}"
            )
        grid = check_image(x[:, :, 0], self.bands, self.patch_size)
        patches = self.patch_embed(x.transpose(1, 2).flatten(0, 1)).unflatten(0, (len(x), self.input_spec.frames))
        dates = self._dates(x, timestamps, temporal_coords)[:, :, None, None].expand(-1, -1, *grid, -1)
        positions = self.positions(grid)[:, None].expand(len(x), self.input_spec.frames, -1, -1, -1)
        undated = self.pos_embed.new_zeros(1, 1, dates.shape[4])
        about_class = torch.cat([self.pos_embed[:, :1], undated], dim=2)
        return self.encode(patches, torch.cat([positions, dates.to(positions.dtype)], dim=4), about_class)

    def _dates(
        self, x: Tensor, timestamps: Tensor | None, temporal_coords: Tensor | None
    ) -> Float[Tensor, "batch steps channels"]:
        """The encoding of years, months and hours; zero for those that are not known."""
        expected = (len(x), self.input_spec.frames, 3)
        known = torch.zeros(*expected[:2], 0, device=x.device)
        if timestamps is not None:
            if tuple(timestamps.shape) != expected:
                raise ShapeError(
                    f"timestamps has the shape {tuple(timestamps.shape)}: {expected} was expected, with year, month "
                    "and hour last"
                )
            known = timestamps.float()
        elif temporal_coords is not None:
            check_dates(temporal_coords, len(x), self.input_spec.frames)
            known = torch.stack([temporal_coords[..., 0].float(), months(temporal_coords).float()], dim=2)
        first = torch.tensor(FIRST_DATE, device=known.device)[: known.shape[2]]
        encoded = sincos_1d(known - first, TIME_CHANNELS).flatten(2)
        return F.pad(encoded, (0, 3 * TIME_CHANNELS - encoded.shape[2]))


def _check_groups(bands: Sequence[str | int], groups: Sequence[Sequence[str | int]]) -> None:
    known = [band for group in groups for band in group]
    for band in bands:
        if known.count(band) != 1:
            hint = did_you_mean(band, map(str, known)) if isinstance(band, str) and band not in known else ""
            listed = "; ".join(", ".join(map(str, group)) for group in groups)
            raise ArgumentError(
                f"the band {band!r} is in {known.count(band)} groups of bands, not in one{hint or '.'} The groups are: "
                f"{listed}; give others as channel_groups"
            )
