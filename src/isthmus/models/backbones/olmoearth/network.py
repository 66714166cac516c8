"""The network of OlmoEarth v1 (arXiv 2511.13655), for Sentinel-2.

The layers are those of the package `olmoearth-pretrain-minimal` (extra `olmoearth`) under their published names, so
that published files load. Here is what an encoder needs besides: bands by name, images of any shape, dates, and the
features of any block.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from isthmus.errors import ShapeError
from isthmus.models.backbones.encoder import Encoder
from isthmus.models.backbones.olmoearth.catalog import BAND_SETS, LARGEST_PATCH
from isthmus.models.layers.arguments import feature_indices
from isthmus.models.layers.image_shape import check_image
from isthmus.models.layers.transformer import run_blocks
from isthmus.models.layers.vit_sizes import VitSizes
from isthmus.specs.features import FeatureSpec
from isthmus.specs.inputs import InputSpec

MODALITY = "sentinel2_l2a"
ENDS_OF_MONTHS = (31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)  # of all but the last, days of a common year


class OlmoEarthEncoder(Encoder):
    """The encoder of OlmoEarth v1 for Sentinel-2, level 2A.

    Takes `(B, C, H, W)`, or `(B, C, T, H, W)` with any number of frames, of sizes that are multiples of the patch. Each
    patch of each frame is one token for each of three sets of bands: those of 10 m, of 20 m and of 60 m. A set of which
    the images have no band gives no tokens, as where the model is told that it is missing. Gives, for each of
    `out_indices`, the grid `(B, D, H / patch, W / patch)`, the mean over the frames and the sets, which is how the
    publication pools; that of the last block is normalised.

    Args:
        sizes: the sizes of the network.
        bands: the bands of an image, in order, all of them among `BANDS` of the catalog.
        patch_size: of a patch, in pixels, 1 to 8.
        gsd: the size of a pixel on the ground in metres.
        out_indices: the blocks whose output is returned, the last ones as negative numbers; every block by default.
        drop_path: the rate of stochastic depth of every block.

    Attributes:
        patch_size: of a patch, (height, width).

    Raises:
        ArgumentError: an index without a block.
    """

    order: Tensor
    ends_of_months: Tensor

    def __init__(
        self,
        sizes: VitSizes,
        bands: Sequence[str | int],
        patch_size: int = LARGEST_PATCH,
        gsd: float = 10.0,
        out_indices: Sequence[int] | None = None,
        drop_path: float = 0.0,
    ) -> None:
        indices = feature_indices(out_indices, sizes.depth)
        super().__init__(
            InputSpec.of_image(len(bands), tuple(bands), multiple=patch_size, metadata=("temporal_coords",)),
            [FeatureSpec(sizes.embed_dim, stride=(float(patch_size),) * 2)] * len(indices),
        )
        self.patch_size, self.gsd, self.out_indices = (patch_size, patch_size), gsd, indices
        published = _published_encoder(sizes, drop_path)
        self.patch_embeddings = published.patch_embeddings
        self.composite_encodings = published.composite_encodings
        self.blocks, self.norm = published.blocks, published.norm
        self.band_sets = {
            index: present
            for index, band_set in enumerate(BAND_SETS)
            if (present := [band for band in band_set if band in self.bands])
        }
        self._fit_embeddings(sizes.embed_dim)
        order = [self.bands.index(band) for present in self.band_sets.values() for band in present]
        self.register_buffer("order", torch.tensor(order), persistent=False)
        self.register_buffer("ends_of_months", torch.tensor(ENDS_OF_MONTHS), persistent=False)

    def _fit_embeddings(self, embed_dim: int) -> None:
        """Leave out the sets that the images lack, and make the convolutions of the others for the bands there are."""
        embeddings = self.patch_embeddings.per_modality_embeddings[MODALITY]
        for index, band_set in enumerate(BAND_SETS):
            present = self.band_sets.get(index)
            if present is None:
                del embeddings[f"{MODALITY}__{index}"]
            elif len(present) < len(band_set):
                patch = LARGEST_PATCH, LARGEST_PATCH
                embeddings[f"{MODALITY}__{index}"].proj = nn.Conv2d(len(present), embed_dim, patch, patch)

    def forward(
        self, x: Float[Tensor, "*image"], temporal_coords: Float[Tensor, "*dates"] | None = None
    ) -> list[Float[Tensor, "batch channels grid_height grid_width"]]:
        """Encode a batch of images or of time series.

        Args:
            x: `(B, C, H, W)` or `(B, C, T, H, W)`.
            temporal_coords: `(B, T, 2)`, the year and the day of the year (1 to 366) of each frame, of which the model
                uses the month. Without them the encoding of the month is left out.

        Raises:
            ShapeError: a tensor of another shape.
        """
        series = x.unsqueeze(2) if x.ndim == 4 else x
        check_image(series[:, :, 0] if series.ndim == 5 else x, self.bands, self.patch_size)
        if temporal_coords is not None and temporal_coords.shape != (len(x), series.shape[2], 2):
            raise ShapeError(
                f"temporal_coords has the shape {tuple(temporal_coords.shape)}: {(len(x), series.shape[2], 2)} was "
                "expected, with year and day of the year last"
            )
        sets = series.index_select(1, self.order).movedim((1, 2), (4, 3)).split([*map(len, self.band_sets.values())], 4)
        embeddings = self.patch_embeddings.per_modality_embeddings[MODALITY].values()
        embedded = [embed(part, self.patch_size) for embed, part in zip(embeddings, sets, strict=True)]
        tokens = torch.stack(embedded, dim=4)  # (B, height, width, T, sets, D)
        tokens = tokens + self._encodings(tokens, temporal_coords).to(tokens.dtype)
        features = run_blocks(self.blocks, self.norm, tokens.flatten(1, 4), self.out_indices)
        return [each.view(tokens.shape).mean(dim=(3, 4)).movedim(3, 1) for each in features]

    def _encodings(
        self,
        tokens: Float[Tensor, "batch height width time sets channels"],
        dates: Float[Tensor, "batch time 2"] | None,
    ) -> Float[Tensor, "batch height width time sets channels"]:
        """What says which set, which frame, which month and which place: a quarter of the channels each."""
        encodings = self.composite_encodings
        _, height, width, time, _, channels = tokens.shape
        quarter, spacing = channels // 4, self.patch_size[0] * self.gsd / 10
        rows, columns, frames = (torch.arange(size, device=tokens.device) for size in (height, width, time))
        months = None if dates is None else encodings.month_embed(self.months(dates))[:, None, None, :, None]
        parts = (
            encodings.per_modality_channel_embeddings[MODALITY][list(self.band_sets)],
            _waves(frames, quarter)[:, None],
            tokens.new_zeros(quarter) if months is None else months,
            _waves(columns * spacing, quarter // 2)[:, None, None],
            _waves(rows * spacing, quarter // 2)[:, None, None, None],
        )
        return torch.cat([part.expand(*tokens.shape[:5], -1) for part in parts], dim=5)

    def months(self, dates: Float[Tensor, "batch time 2"]) -> Int[Tensor, "batch time"]:
        """The months, from 0, of dates given as year and day of the year."""
        year, day = dates.round().long().unbind(-1)
        leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
        day = day - (leap & (day > ENDS_OF_MONTHS[1])).long()
        return (day[..., None] > self.ends_of_months).sum(-1)


def _waves(positions: Tensor, channels: int) -> Float[Tensor, "positions {channels}"]:
    """Sines, then cosines, of positions; the frequencies go from 1 to almost a tenth, as in the published code."""
    exponents = torch.arange(channels // 2, device=positions.device) / (2 * channels)
    angles = positions[:, None] * 10_000.0**-exponents
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def _published_encoder(sizes: VitSizes, drop_path: float) -> Any:
    from olmoearth_pretrain_minimal.olmoearth_pretrain_v1.nn.flexi_vit import EncoderConfig

    return EncoderConfig(
        supported_modality_names=[MODALITY],
        embedding_size=sizes.embed_dim,
        max_patch_size=LARGEST_PATCH,
        num_heads=sizes.num_heads,
        mlp_ratio=4.0,
        depth=sizes.depth,
        drop_path=drop_path,
    ).build()
