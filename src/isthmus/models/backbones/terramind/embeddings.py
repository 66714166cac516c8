"""How the inputs of TerraMind (arXiv 2504.11171) become tokens: pixels are projected, ids looked up."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.errors import ShapeError
from isthmus.models.layers.sincos import sincos_1d
from isthmus.models.layers.xavier import XavierLinear

LONGEST_SEQUENCE = 512


def grid_positions(channels: int, grid: tuple[int, int]) -> Float[Tensor, "height width channels"]:
    """Embed the cells of a grid: the row in the first half of the channels, the column in the other."""
    rows, columns = (torch.arange(size, dtype=torch.float32, device="cpu") for size in grid)
    half = channels // 2
    parts = sincos_1d(rows, half)[:, None, :], sincos_1d(columns, half)[None, :, :]
    cells = torch.cat([part.expand(*grid, half) for part in parts], dim=-1)
    return cells.to(torch.get_default_device())


def resized(
    planes: Float[Tensor, "1 channels height width"], size: tuple[int, int]
) -> Float[Tensor, "1 channels new_height new_width"]:
    """Interpolate planes of position embeddings bicubically to another height and width."""
    if tuple(planes.shape[2:]) == size:
        return planes
    return F.interpolate(planes, size=size, mode="bicubic", align_corners=False)


class _Embedding(nn.Module):
    """What the embeddings of all modalities share: a vector that tells the modality."""

    pos_emb: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mod_emb = nn.Parameter(torch.empty(1, 1, channels))
        nn.init.trunc_normal_(self.mod_emb, std=0.02)


class _GridEmbedding(_Embedding):
    """Tokens on a grid."""

    def __init__(self, channels: int, grid: tuple[int, int]) -> None:
        super().__init__(channels)
        self.grid = grid
        self.register_buffer("pos_emb", grid_positions(channels, grid).flatten(0, 1)[None])

    def _placed(self, tokens: Float[Tensor, "batch height width channels"]) -> Float[Tensor, "batch tokens channels"]:
        """Add to each token where it is and what it is of."""
        planes = self.pos_emb.transpose(1, 2).unflatten(2, self.grid)
        positions = resized(planes, (tokens.shape[1], tokens.shape[2])).flatten(2).transpose(1, 2)
        return tokens.flatten(1, 2) + positions + self.mod_emb


class PixelEmbedding(_GridEmbedding):
    """Cuts images into patches and projects each to a token.

    Args:
        bands: how many bands the images have.
        channels: the size of a token.
        grid: the native number of patches along height and width.
        patch_size: height and width of a patch.
    """

    def __init__(self, bands: int, channels: int, grid: tuple[int, int], patch_size: int) -> None:
        super().__init__(channels, grid)
        self.patch = patch_size
        self.proj = XavierLinear(bands * patch_size**2, channels, bias=False)

    def forward(self, x: Float[Tensor, "batch bands height width"]) -> Float[Tensor, "batch tokens channels"]:
        """Embed images whose height and width are multiples of the patch."""
        patches = x.unflatten(3, (-1, self.patch)).unflatten(2, (-1, self.patch))
        pixels = patches.permute(0, 2, 4, 3, 5, 1).flatten(3)  # the bands of a pixel lie beside each other
        return self._placed(self.proj(pixels))


class CodeEmbedding(_GridEmbedding):
    """Looks up the tokens of a grid of ids.

    Args:
        vocabulary: how many ids there are.
        channels: the size of a token.
        grid: the native number of ids along height and width.
    """

    def __init__(self, vocabulary: int, channels: int, grid: tuple[int, int]) -> None:
        super().__init__(channels, grid)
        self.token_emb = _lookup(vocabulary, channels)

    def forward(self, ids: Int[Tensor, "batch height width"]) -> Float[Tensor, "batch tokens channels"]:
        """Embed ids."""
        return self._placed(self.token_emb(ids))


class SequenceEmbedding(_Embedding):
    """Looks up the tokens of a sequence of ids.

    Args:
        vocabulary: how many ids there are.
        channels: the size of a token.
    """

    def __init__(self, vocabulary: int, channels: int) -> None:
        super().__init__(channels)
        positions = sincos_1d(torch.arange(LONGEST_SEQUENCE, dtype=torch.float32, device="cpu"), channels)
        self.register_buffer("pos_emb", positions[None].to(torch.get_default_device()))
        self.token_emb = _lookup(vocabulary, channels)

    def forward(
        self, ids: Int[Tensor, "batch tokens"], padding: Bool[Tensor, "batch tokens"] | None = None
    ) -> Float[Tensor, "batch tokens channels"]:
        """Embed ids; those that are `padding` are counted in no position, and have none.

        Raises:
            ShapeError: the sequence is longer than there are positions.
        """
        if ids.shape[1] > self.pos_emb.shape[1]:
            raise ShapeError(f"the sequence has {ids.shape[1]} ids: at most {self.pos_emb.shape[1]} were expected")
        positions = self.pos_emb[:, : ids.shape[1]]
        if padding is not None:
            places = (~padding).long().cumsum(dim=1).sub(1).clamp(min=0)
            positions = self.pos_emb[0][places].masked_fill(padding[..., None], 0.0)
        embedded: Tensor = self.token_emb(ids)
        return embedded + positions + self.mod_emb


def _lookup(vocabulary: int, channels: int) -> nn.Embedding:
    table = nn.Embedding(vocabulary, channels)
    nn.init.normal_(table.weight, std=0.02)
    return table
