"""Prithvi-Swin: the hierarchical encoders of the Prithvi family, built by name, with their weights."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor, nn

from isthmus.errors import ArgumentError
from isthmus.models.backbones.arguments import feature_indices, image_bands
from isthmus.models.backbones.image_shape import check_image
from isthmus.models.backbones.prithvi import PRETRAINED_BANDS
from isthmus.models.backbones.prithvi_swin_network import PatchEmbedding, SwinStage, draw_weights
from isthmus.models.backbones.transformer import growing_rates
from isthmus.specs.features import FeatureSpec, Layout
from isthmus.weights.adapter import Adapter
from isthmus.weights.building import build_with_weights
from isthmus.weights.report import WeightsReport

PATCH = 4
_STAGES = range(4)

PUBLISHED = Adapter(
    "patch_embed.projection.weight",
    renames={
        **{f"stages_{stage}.": f"stages.{stage}." for stage in _STAGES},
        **{f"norm{stage}.": f"stages.{stage}.norm." for stage in _STAGES},
    },
    first_layer="patch_embed.projection.weight",
)


@dataclass(frozen=True, slots=True)
class Architecture:
    """The sizes of a variant: of a token in the first stage, and by stage in blocks and heads."""

    embed_dim: int
    depths: Sequence[int]
    num_heads: Sequence[int]


VARIANTS = {
    "prithvi_swin_B": Architecture(128, (2, 2, 18, 2), (4, 8, 16, 32)),
    "prithvi_swin_L": Architecture(192, (2, 2, 18, 2), (6, 12, 24, 48)),
}


class PrithviSwin(nn.Module):
    """A Swin transformer that gives the maps of its four stages.

    Takes single images `(B, C, H, W)` whose sides are multiples of 4, and gives for each stage in `out_indices` the map
    `(B, H / s, W / s, C_s)`, channels last and normalised, with the strides s = 4, 8, 16 and 32, rounded up.

    Args:
        sizes: the sizes of the network.
        bands: the bands of an image, in order: names, or integers where they have none.
        window_size: the side of a window in tokens.
        out_indices: the stages whose map is returned, the last ones as negative numbers; all four by default.
        drop_path: the rate of stochastic depth of the last block; it grows linearly from zero at the first.

    Attributes:
        out_channels: per returned map, its channels.
        feature_specs: per returned map, its layout.
        in_channels: the number of bands.
        patch_size: of a patch, (height, width).
        weights_report: what was loaded from where; None where the weights are random.

    Raises:
        ArgumentError: sizes that do not divide, or another number of stages.
    """

    patch_size = (PATCH, PATCH)
    image_size = (224, 224)

    def __init__(
        self,
        sizes: Architecture,
        bands: Sequence[str | int],
        window_size: int = 7,
        out_indices: Sequence[int] | None = None,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        _check_sizes(sizes, window_size)
        self.bands = list(bands)
        self.in_channels = len(self.bands)
        self.out_indices = feature_indices(out_indices, len(_STAGES))
        self.weights_report: WeightsReport | None = None
        widths = [sizes.embed_dim * 2**stage for stage in _STAGES]
        self.feature_specs = [
            FeatureSpec(widths[stage], Layout.GRID_LAST, (float(PATCH * 2**stage),) * 2) for stage in self.out_indices
        ]
        self.out_channels = [spec.channels for spec in self.feature_specs]

        rates = iter(growing_rates(drop_path, sum(sizes.depths)))
        self.patch_embed = PatchEmbedding(self.in_channels, sizes.embed_dim, PATCH)
        self.stages = nn.ModuleList(
            SwinStage(
                widths[stage],
                sizes.num_heads[stage],
                window_size,
                list(itertools.islice(rates, sizes.depths[stage])),
                is_last=stage == _STAGES[-1],
            )
            for stage in _STAGES
        )
        draw_weights(self)

    def forward(self, x: Float[Tensor, "*image"]) -> list[Float[Tensor, "batch _ _ _"]]:
        """Encode a batch of images `(B, C, H, W)`.

        Raises:
            ShapeError: another number of axes or of bands, or sides that are no multiples of 4.
        """
        check_image(x, self.bands, self.patch_size)
        tokens, maps = self.patch_embed(x), []
        for stage in self.stages[: max(self.out_indices) + 1]:
            normalised, tokens = stage(tokens)
            maps.append(normalised)
        return [maps[index] for index in self.out_indices]


def prithvi_swin(
    variant: str,
    pretrained: bool = False,
    ckpt_path: str | Path | None = None,
    bands: Sequence[str | int | Sequence[int]] | None = None,
    in_chans: int | None = None,
    num_frames: int = 1,
    embed_dim: int | None = None,
    depths: Sequence[int] | None = None,
    num_heads: Sequence[int] | None = None,
    window_size: int = 7,
    out_indices: Sequence[int] | None = None,
    drop_path: float = 0.0,
    pretrained_bands: Sequence[str | int | Sequence[int]] = PRETRAINED_BANDS,
    new_bands: str | None = None,
    allow_missing_weights: bool = False,
) -> PrithviSwin:
    """Build an encoder of the Prithvi-Swin family.

    Args:
        variant: the name of the variant, `prithvi_swin_B` or `prithvi_swin_L`.
        pretrained: load the published weights, from the Hub or its cache.
        ckpt_path: load the weights in this file instead; it is read whether or not `pretrained` is set.
        bands: the bands of the images, in order; the six that the weights were made for by default.
        in_chans: the number of bands, where they have no names.
        num_frames: always 1: it takes single images.
        embed_dim: the size of a token in the first stage, where it is not to be that of the variant.
        depths: the number of blocks of each stage, likewise.
        num_heads: the number of attention heads of each stage, likewise.
        window_size: the side of a window in tokens.
        out_indices: the stages whose map is returned; all four by default.
        drop_path: the rate of stochastic depth of the last block.
        pretrained_bands: the bands that the weights were made for.
        new_bands: what bands that the weights do not know start from: "mean", the mean over the bands that they know,
            or "random". By default "mean", and an error where the weights know none of the bands.
        allow_missing_weights: leave parameters that the weights do not have at random instead of refusing.

    Returns:
        The encoder. Its `weights_report` says what was loaded. On the `meta` device nothing is loaded.

    Raises:
        ArgumentError: arguments that contradict each other or have no valid value.
        WeightsError: the weights cannot be found, read or fitted.
    """
    if num_frames != 1:
        raise ArgumentError(
            f"num_frames is {num_frames}, but {variant} takes single images; run it on time series with use_temporal"
        )
    published = VARIANTS[variant]
    sizes = Architecture(
        published.embed_dim if embed_dim is None else embed_dim,
        published.depths if depths is None else depths,
        published.num_heads if num_heads is None else num_heads,
    )
    own_bands = image_bands(bands, in_chans, PRETRAINED_BANDS)
    return build_with_weights(
        lambda: PrithviSwin(sizes, own_bands, window_size, out_indices, drop_path),
        PUBLISHED,
        variant,
        pretrained=pretrained,
        ckpt_path=ckpt_path,
        bands=own_bands,
        pretrained_bands=pretrained_bands,
        new_bands=new_bands,
        allow_missing=allow_missing_weights,
    )


def _check_sizes(sizes: Architecture, window_size: int) -> None:
    for name, given in (("depths", sizes.depths), ("num_heads", sizes.num_heads)):
        if len(given) != len(_STAGES) or min(given) < 1:
            raise ArgumentError(f"{name} is {list(given)}: a number for each of {len(_STAGES)} stages was expected")
    if any(sizes.embed_dim * 2**stage % sizes.num_heads[stage] for stage in _STAGES):
        raise ArgumentError(
            f"embed_dim is {sizes.embed_dim} with num_heads {list(sizes.num_heads)}: the channels of each stage, which "
            "double from one to the next, must be a multiple of its heads"
        )
    if window_size < 2:
        raise ArgumentError(f"window_size is {window_size}: 2 or more was expected")
