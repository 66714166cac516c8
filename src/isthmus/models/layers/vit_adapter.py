"""The parts of a ViT-Adapter (arXiv 2205.08534), which turns a plain vision transformer into a pyramid of maps.

A small convolutional network sees the image beside the transformer. Its maps at strides 8, 16 and 32 and the tokens
exchange what they know before and after groups of transformer blocks, by deformable attention. Freezing the encoder
leaves all of it trainable: it says `stays_trainable`.
"""

import itertools
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.models.layers.deformable_attention import DeformableAttention, Size

STRIDES = (4, 8, 16, 32)
_RATIO = 0.5  # the size of what deformable attention looks up, in multiples of that of a token


class SpatialPrior(nn.Module):
    """Convolutions that see an image at strides 4, 8, 16 and 32.

    Args:
        in_channels: the bands of the image.
        channels: the channels of every map.
        width: the channels of the first convolutions.
    """

    stays_trainable = True

    def __init__(self, in_channels: int, channels: int, width: int = 64) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            *_convolution(in_channels, width, 2),
            *_convolution(width, width, 1),
            *_convolution(width, width, 1),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.conv2 = nn.Sequential(*_convolution(width, 2 * width, 2))
        self.conv3 = nn.Sequential(*_convolution(2 * width, 4 * width, 2))
        self.conv4 = nn.Sequential(*_convolution(4 * width, 4 * width, 2))
        self.fc1 = nn.Conv2d(width, channels, 1)
        self.fc2 = nn.Conv2d(2 * width, channels, 1)
        self.fc3 = nn.Conv2d(4 * width, channels, 1)
        self.fc4 = nn.Conv2d(4 * width, channels, 1)
        self.level_embed = nn.Parameter(torch.empty(len(STRIDES) - 1, channels))
        nn.init.trunc_normal_(self.level_embed)

    def forward(self, x: Float[Tensor, "batch bands height width"]) -> list[Float[Tensor, "batch channels _ _"]]:
        """The maps, the finest one first; the others with an embedding of their level."""
        seen: list[Tensor] = []
        for part in (self.stem, self.conv2, self.conv3, self.conv4):
            x = part(x)
            seen.append(x)
        layers = (self.fc1, self.fc2, self.fc3, self.fc4)
        finest, *coarser = (layer(map_) for layer, map_ in zip(layers, seen, strict=True))
        levels = self.level_embed[:, :, None, None]
        return [finest, *(map_ + level for map_, level in zip(coarser, levels, strict=True))]


class _Exchange(nn.Module):
    """What one side looks up in the other."""

    def __init__(self, channels: int, num_heads: int, levels: int) -> None:
        super().__init__()
        self.query_norm = nn.LayerNorm(channels)
        self.feat_norm = nn.LayerNorm(channels)
        self.attn = DeformableAttention(channels, levels, num_heads, ratio=_RATIO)

    def look_up(
        self,
        queries: Float[Tensor, "batch queries channels"],
        places: Float[Tensor, "queries 2"],
        cells: Float[Tensor, "batch cells channels"],
        sizes: Sequence[Size],
    ) -> Float[Tensor, "batch queries channels"]:
        found: Tensor = self.attn(self.query_norm(queries), places, self.feat_norm(cells), sizes)
        return found


class Injector(_Exchange):
    """Brings what the maps know into the tokens; at first nothing, so that the transformer begins undisturbed.

    Args:
        channels: the size of a token.
        num_heads: the heads of the attention.
        levels: the number of maps.
    """

    def __init__(self, channels: int, num_heads: int, levels: int = 3) -> None:
        super().__init__(channels, num_heads, levels)
        self.gamma = nn.Parameter(torch.zeros(channels))

    def forward(
        self,
        tokens: Float[Tensor, "batch queries channels"],
        places: Float[Tensor, "queries 2"],
        cells: Float[Tensor, "batch cells channels"],
        sizes: Sequence[Size],
    ) -> Float[Tensor, "batch queries channels"]:
        """The tokens with what they found in the maps."""
        return tokens + self.gamma * self.look_up(tokens, places, cells, sizes)


class Extractor(_Exchange):
    """Brings what the tokens know into the maps.

    Args:
        channels: the size of a token.
        num_heads: the heads of the attention.
    """

    def __init__(self, channels: int, num_heads: int) -> None:
        super().__init__(channels, num_heads, levels=1)

    def forward(
        self,
        cells: Float[Tensor, "batch queries channels"],
        places: Float[Tensor, "queries 2"],
        tokens: Float[Tensor, "batch cells channels"],
        sizes: Sequence[Size],
    ) -> Float[Tensor, "batch queries channels"]:
        """The cells of the maps with what they found among the tokens."""
        return cells + self.look_up(cells, places, tokens, sizes)


class Interaction(nn.Module):
    """Maps into tokens, tokens through a group of transformer blocks, tokens into maps.

    Args:
        channels: the size of a token.
        num_heads: the heads of the attentions.
        extra: how often the maps look at the tokens again.
    """

    stays_trainable = True

    def __init__(self, channels: int, num_heads: int, extra: int = 0) -> None:
        super().__init__()
        self.injector = Injector(channels, num_heads)
        self.extractor = Extractor(channels, num_heads)
        self.extra_extractors = nn.ModuleList(Extractor(channels, num_heads) for _ in range(extra))

    def forward(
        self,
        tokens: Float[Tensor, "batch tokens channels"],
        cells: Float[Tensor, "batch cells channels"],
        blocks: Callable[[Tensor], Tensor],
        grid: Size,
        sizes: Sequence[Size],
    ) -> tuple[Float[Tensor, "batch tokens channels"], Float[Tensor, "batch cells channels"]]:
        """The tokens and the cells afterwards.

        Args:
            tokens: the tokens, row by row.
            cells: the cells of the maps, map after map and row by row.
            blocks: the group of transformer blocks.
            grid: the (height, width) of the tokens.
            sizes: the (height, width) of each map.
        """
        tokens = blocks(self.injector(tokens, centres([grid], tokens.device), cells, sizes))
        places = centres(sizes, tokens.device)
        for extractor in (self.extractor, *self.extra_extractors):
            cells = extractor(cells, places, tokens, [grid])
        return tokens, cells


class Doubling(nn.ConvTranspose2d):
    """Doubles the size of a map.

    Args:
        channels: the channels of the map.
    """

    stays_trainable = True

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 2, stride=2)


class MapNorm(nn.BatchNorm2d):
    """Normalises a map that leaves the encoder."""

    stays_trainable = True


def centres(sizes: Sequence[Size], device: torch.device) -> Float[Tensor, "cells 2"]:
    """Where the cells of maps have their centres, (x, y) as fractions of width and height, map after map."""
    maps = []
    for height, width in sizes:
        y = (torch.arange(height, device=device) + 0.5) / height
        x = (torch.arange(width, device=device) + 0.5) / width
        maps.append(torch.stack([x.expand(height, width), y[:, None].expand(height, width)], dim=-1).flatten(0, 1))
    return torch.cat(maps)


def resampled_like(
    grids: Sequence[Float[Tensor, "batch channels _ _"]], maps: Sequence[Float[Tensor, "batch channels _ _"]]
) -> list[Float[Tensor, "batch channels _ _"]]:
    """Interpolate each grid bilinearly to the size of a map."""
    return [
        grid
        if grid.shape[2:] == each.shape[2:]
        else F.interpolate(grid, size=each.shape[2:], mode="bilinear", align_corners=False)
        for grid, each in zip(grids, maps, strict=True)
    ]


def groups(ends: Sequence[int]) -> list[range]:
    """The blocks of each group, from the last block of each."""
    return [range(first + 1, last + 1) for first, last in itertools.pairwise([-1, *ends])]


def _convolution(in_channels: int, channels: int, stride: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
