"""The network of Prithvi-Swin: a hierarchical transformer whose tokens attend within shifted windows.

The Swin transformer (arXiv 2103.14030) under the names of the checkpoints of its implementation in mmsegmentation,
with a normalised map behind every stage.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.models.layers.transformer import DropPath

_EPS = 1e-5


class PatchEmbedding(nn.Module):
    """Cuts images into square patches and projects each to a token.

    Args:
        in_channels: the bands of an image.
        channels: the size of a token.
        patch_size: the side of a patch in pixels.
    """

    def __init__(self, in_channels: int, channels: int, patch_size: int) -> None:
        super().__init__()
        self.projection = nn.Conv2d(in_channels, channels, patch_size, stride=patch_size)
        self.norm = nn.LayerNorm(channels, eps=_EPS)

    def forward(self, x: Float[Tensor, "batch bands _ _"]) -> Float[Tensor, "batch height width channels"]:
        """Embed the patches, each at its place in the grid."""
        tokens: Tensor = self.norm(self.projection(x).permute(0, 2, 3, 1))
        return tokens


class WindowAttention(nn.Module):
    """Multi-head self-attention within windows, with a learned bias for every difference of positions.

    Args:
        channels: the size of a token.
        num_heads: how many heads the channels are divided among.
        window: the side of a window in tokens.
    """

    relative_position_index: Tensor

    def __init__(self, channels: int, num_heads: int, window: int) -> None:
        super().__init__()
        self.num_heads, self.window = num_heads, window
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * window - 1) ** 2, num_heads))
        self.register_buffer("relative_position_index", _differences(window).to(torch.get_default_device()))
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(
        self,
        x: Float[Tensor, "batch windows tokens channels"],
        regions: Int[Tensor, "windows tokens"] | None = None,
    ) -> Float[Tensor, "batch windows tokens channels"]:
        """Let the tokens of a window attend to each other, or with `regions` to those of the same region in it."""
        batch, windows, tokens, channels = x.shape
        qkv = self.qkv(x).reshape(batch, windows, tokens, 3, self.num_heads, channels // self.num_heads)
        query, key, value = qkv.permute(3, 0, 1, 4, 2, 5).unbind(0)
        bias = self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)
        if regions is not None:
            apart = regions[:, :, None] != regions[:, None, :]
            bias = bias + apart[:, None].to(bias.dtype) * -100.0
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=bias.to(query.dtype))
        mixed: Tensor = self.proj(attended.transpose(2, 3).flatten(3))
        return mixed


class ShiftedWindows(nn.Module):
    """Attention within windows whose grid is shifted against that of the map.

    Args:
        channels: the size of a token.
        num_heads: the heads of the attention.
        window: the side of a window in tokens.
        shift: by how many tokens the grid is shifted.
    """

    def __init__(self, channels: int, num_heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.window, self.shift = window, shift
        self.w_msa = WindowAttention(channels, num_heads, window)

    def forward(self, x: Float[Tensor, "batch height width channels"]) -> Float[Tensor, "batch height width channels"]:
        """Let tokens attend to each other; the map is filled up to whole windows meanwhile."""
        height, width = x.shape[1:3]
        x = F.pad(x, (0, 0, 0, -width % self.window, 0, -height % self.window))
        size = (x.shape[1], x.shape[2])
        if self.shift:
            x = x.roll((-self.shift, -self.shift), (1, 2))
        regions = _regions(size, self.window, self.shift, x.device) if self.shift else None
        x = _from_windows(self.w_msa(_to_windows(x, self.window), regions), self.window, size)
        if self.shift:
            x = x.roll((self.shift, self.shift), (1, 2))
        return x[:, :height, :width]


class SwinFeedForward(nn.Module):
    """Two linear layers with a GELU between them, named as they are published.

    Args:
        channels: the size of a token.
        hidden: the size between the layers.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        first = nn.Sequential(nn.Linear(channels, hidden), nn.GELU())
        self.layers = nn.Sequential(first, nn.Linear(hidden, channels))

    def forward(self, x: Float[Tensor, "*batch channels"]) -> Float[Tensor, "*batch channels"]:
        """Apply the layers to every token by itself."""
        out: Tensor = self.layers(x)
        return out


class SwinBlock(nn.Module):
    """Attention within windows and a feed-forward network, each normalised before and added to what came in.

    Args:
        channels: the size of a token.
        num_heads: the heads of the attention.
        window: the side of a window in tokens.
        shift: by how many tokens the windows are shifted.
        drop_path: the rate of stochastic depth of both branches.
    """

    def __init__(self, channels: int, num_heads: int, window: int, shift: int, drop_path: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps=_EPS)
        self.attn = ShiftedWindows(channels, num_heads, window, shift)
        self.norm2 = nn.LayerNorm(channels, eps=_EPS)
        self.ffn = SwinFeedForward(channels, 4 * channels)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Float[Tensor, "batch height width channels"]) -> Float[Tensor, "batch height width channels"]:
        """Pass a map through the block."""
        x = x + self.drop_path(self.attn(self.norm1(x)))
        out: Tensor = x + self.drop_path(self.ffn(self.norm2(x)))
        return out


class PatchMerging(nn.Module):
    """Joins two by two tokens and projects them to one of twice the size.

    Args:
        channels: the size of a token.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * channels, eps=_EPS)
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)

    def forward(self, x: Float[Tensor, "batch height width channels"]) -> Float[Tensor, "batch _ _ {2*x.shape[3]}"]:
        """Halve a map, after filling up an odd row or column; the four values of a channel go side by side."""
        x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        four = x.unflatten(2, (-1, 2)).unflatten(1, (-1, 2)).permute(0, 1, 3, 5, 2, 4).flatten(3)
        merged: Tensor = self.reduction(self.norm(four))
        return merged


class SwinStage(nn.Module):
    """Blocks of one resolution, every other one with shifted windows.

    Args:
        channels: the size of a token.
        num_heads: the heads of each attention.
        window: the side of a window in tokens.
        drop_paths: the rate of stochastic depth of each block.
        is_last: whether no stage follows, for which the map would be halved.
    """

    def __init__(
        self, channels: int, num_heads: int, window: int, drop_paths: Sequence[float], *, is_last: bool
    ) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(
                SwinBlock(channels, num_heads, window, index % 2 * (window // 2), rate)
                for index, rate in enumerate(drop_paths)
            )
        )
        self.downsample = None if is_last else PatchMerging(channels)
        self.norm = nn.LayerNorm(channels, eps=_EPS)

    def forward(
        self, x: Float[Tensor, "batch height width channels"]
    ) -> tuple[Float[Tensor, "batch height width channels"], Float[Tensor, "batch _ _ _"]]:
        """The normalised map, and what the next stage takes."""
        x = self.blocks(x)
        return self.norm(x), x if self.downsample is None else self.downsample(x)


def draw_weights(module: nn.Module) -> None:
    """Draw the weights of linear layers and position biases as the Swin transformer does."""
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.trunc_normal_(part.weight, std=0.02)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        if isinstance(part, WindowAttention):
            nn.init.trunc_normal_(part.relative_position_bias_table, std=0.02)


def _differences(window: int) -> Int[Tensor, "tokens tokens"]:
    """The row of the table of biases for each pair of tokens of a window: their difference in rows and columns."""
    cells = torch.arange(window, device="cpu")
    places = torch.stack(torch.meshgrid(cells, cells, indexing="ij")).flatten(1)
    rows, columns = places[:, :, None] - places[:, None, :] + window - 1
    index: Tensor = rows * (2 * window - 1) + columns
    return index


def _to_windows(
    x: Float[Tensor, "batch height width channels"], window: int
) -> Float[Tensor, "batch windows {window**2} channels"]:
    cells: Tensor = x.unflatten(2, (-1, window)).unflatten(1, (-1, window))
    return cells.permute(0, 1, 3, 2, 4, 5).flatten(3, 4).flatten(1, 2)


def _from_windows(
    x: Float[Tensor, "batch windows tokens channels"], window: int, size: tuple[int, int]
) -> Float[Tensor, "batch {size[0]} {size[1]} channels"]:
    cells: Tensor = x.unflatten(2, (window, window)).unflatten(1, (size[0] // window, size[1] // window))
    return cells.permute(0, 1, 3, 2, 4, 5).flatten(3, 4).flatten(1, 2)


def _regions(size: tuple[int, int], window: int, shift: int, device: torch.device) -> Int[Tensor, "windows tokens"]:
    """Which part of a shifted map each token of each window is from; parts that were not neighbours differ."""
    rows, columns = (
        (torch.arange(side, device=device) >= side - window).long()
        + (torch.arange(side, device=device) >= side - shift).long()
        for side in size
    )
    parts = 3 * rows[:, None] + columns
    windows: Tensor = _to_windows(parts[None, :, :, None].float(), window)
    return windows[0, :, :, 0].long()
