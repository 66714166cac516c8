"""The image tokenizers of TerraMind (arXiv 2504.11171): images become ids by finite scalar quantisation."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from isthmus.errors import ArgumentError
from isthmus.models.backbones.encoder import Encoder
from isthmus.models.backbones.terramind.embeddings import grid_positions, resized
from isthmus.models.layers.image_shape import check_image
from isthmus.models.layers.transformer import FeedForward, TransformerBlock
from isthmus.specs.features import FeatureSpec, Layout
from isthmus.specs.inputs import InputSpec

PATCH_SIZE = 16
EMBED_DIM, DEPTH, NUM_HEADS = 768, 12, 12
GRID = (16, 16)


class ScalarQuantiser(nn.Module):
    """Finite scalar quantisation (arXiv 2309.15505): each channel is rounded to one of a few levels.

    Args:
        levels: how many levels each channel has.
    """

    def __init__(self, levels: Sequence[int]) -> None:
        super().__init__()
        self.levels = tuple(levels)

    def forward(
        self, latent: Float[Tensor, "batch codes height width"]
    ) -> tuple[Float[Tensor, "batch codes height width"], Int[Tensor, "batch height width"]]:
        """Quantise: the levels, evenly from 0 to 1, and the id of every combination of them.

        In training, gradients pass through the rounding as if it were not there.
        """
        steps = self._column(latent, [level - 1 for level in self.levels])
        squashed = latent.sigmoid()
        rounded = (squashed * steps).round()
        ids = (rounded.int() * self._column(latent, self._weights()).int()).sum(1, dtype=torch.int32)
        return squashed + (rounded / steps - squashed).detach(), ids

    def levels_of(self, ids: Int[Tensor, "batch height width"]) -> Float[Tensor, "batch codes height width"]:
        """The levels, evenly from 0 to 1, that ids stand for."""
        digits = [ids // weight % level for weight, level in zip(self._weights(), self.levels, strict=True)]
        return torch.stack([digit / (level - 1) for digit, level in zip(digits, self.levels, strict=True)], dim=1)

    def _weights(self) -> list[int]:
        """What a step of each channel adds to the id."""
        weights = [1]
        for level in self.levels[:-1]:
            weights.append(weights[-1] * level)
        return weights

    @staticmethod
    def _column(like: Tensor, values: Sequence[int]) -> Tensor:
        return torch.tensor(values, dtype=like.dtype, device=like.device)[:, None, None]


class TanhFeedForward(FeedForward):
    """Two linear layers with a hyperbolic tangent between them."""

    def forward(self, x: Float[Tensor, "*batch channels"]) -> Float[Tensor, "*batch channels"]:
        """Apply the layers to every token by itself."""
        out: Tensor = self.fc2(self.fc1(x).tanh())
        return out


class _GridTransformer(nn.Module):
    """A transformer over the cells of a grid, with one more residual network behind it."""

    pos_emb: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("pos_emb", grid_positions(EMBED_DIM, GRID).permute(2, 0, 1)[None])
        self.blocks = nn.ModuleList(TransformerBlock(EMBED_DIM, NUM_HEADS, norm_eps=1e-6) for _ in range(DEPTH))
        self.norm_mlp = nn.LayerNorm(EMBED_DIM, eps=1e-6)
        self.post_mlp = TanhFeedForward(EMBED_DIM, 4 * EMBED_DIM)

    def _transform(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch tokens channels"]:
        tokens = (x + resized(self.pos_emb, (x.shape[2], x.shape[3]))).flatten(2).transpose(1, 2)
        for block in self.blocks:
            tokens = block(tokens)
        refined: Tensor = self.post_mlp(self.norm_mlp(tokens))
        return tokens + refined


class TokenizerEncoder(_GridTransformer):
    """Turns images into a grid of vectors, one for every patch.

    Args:
        bands: how many bands the images have.
    """

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(bands, EMBED_DIM, kernel_size=PATCH_SIZE, stride=PATCH_SIZE)

    def forward(self, x: Float[Tensor, "batch bands height width"]) -> Float[Tensor, "batch channels rows columns"]:
        """Encode images."""
        patches = self.proj(x)
        grid: Tensor = self._transform(patches).transpose(1, 2).unflatten(2, (patches.shape[2], patches.shape[3]))
        return grid


class TokenizerDecoder(_GridTransformer):
    """Turns a grid of vectors, one for every patch, into images.

    Args:
        bands: how many bands the images have.
    """

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.out_proj = nn.Linear(EMBED_DIM, bands * PATCH_SIZE**2)

    def forward(self, x: Float[Tensor, "batch channels rows columns"]) -> Float[Tensor, "batch bands height width"]:
        """Decode a grid."""
        pixels: Tensor = self.out_proj(self._transform(x))
        patches = pixels.unflatten(1, (x.shape[2], x.shape[3])).unflatten(3, (-1, PATCH_SIZE, PATCH_SIZE))
        images: Tensor = patches.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)
        return images


class ImageTokenizer(Encoder):
    """A tokenizer of images: an encoder, a quantiser and, where it can be had, a decoder.

    As a backbone it takes `(B, C, H, W)` and gives one grid `(B, 768, H/16, W/16)`, what the encoder gives before it is
    quantised. `tokenize` gives the ids, and `reconstruct` and `decode` images.

    Args:
        bands: the bands of the images.
        levels: of the quantiser.
        with_decoder: whether the decoder is built, which neither the features nor the ids need.

    Attributes:
        patch_size: height and width of a patch.
    """

    def __init__(self, bands: Sequence[str | int], levels: Sequence[int], with_decoder: bool = False) -> None:
        size = GRID[0] * PATCH_SIZE, GRID[1] * PATCH_SIZE
        super().__init__(
            InputSpec.of_image(len(bands), tuple(bands), image_size=size, multiple=PATCH_SIZE),
            [FeatureSpec(EMBED_DIM, Layout.GRID, (float(PATCH_SIZE), float(PATCH_SIZE)))],
        )
        self.patch_size = PATCH_SIZE, PATCH_SIZE
        self.encoder = TokenizerEncoder(len(bands))
        self.quant_proj = nn.Conv2d(EMBED_DIM, len(levels), kernel_size=1)
        self.quantiser = ScalarQuantiser(levels)
        self.decoder = self.post_quant_proj = None
        if with_decoder:
            self.decoder = TokenizerDecoder(len(bands))
            self.post_quant_proj = nn.Conv2d(len(levels), EMBED_DIM, kernel_size=1)

    def forward(
        self, x: Float[Tensor, "batch bands height width"]
    ) -> list[Float[Tensor, "batch channels rows columns"]]:
        """Encode images, as a backbone.

        Raises:
            ShapeError: another number of bands, or a size that is no multiple of the patch.
        """
        check_image(x, self.bands, self.patch_size)
        return [self.encoder(x)]

    def quantise(
        self, x: Float[Tensor, "batch bands height width"]
    ) -> tuple[Float[Tensor, "batch codes rows columns"], Int[Tensor, "batch rows columns"]]:
        """The quantised levels of images, evenly from 0 to 1, and their ids.

        Raises:
            ShapeError: as `forward`.
        """
        levels, ids = self.quantiser(self.quant_proj(self(x)[0]))
        return levels, ids

    @torch.no_grad()
    def tokenize(self, x: Float[Tensor, "batch bands height width"]) -> Int[Tensor, "batch rows columns"]:
        """The ids of images, one for every patch.

        Raises:
            ShapeError: as `forward`.
        """
        return self.quantise(x)[1]

    def decode(self, ids: Int[Tensor, "batch rows columns"]) -> Float[Tensor, "batch bands height width"]:
        """The images that ids stand for; of classes, a score for each.

        Raises:
            ArgumentError: the tokenizer was built without its decoder.
        """
        return self._decode(self.quantiser.levels_of(ids))

    def reconstruct(self, x: Float[Tensor, "batch bands height width"]) -> Float[Tensor, "batch bands height width"]:
        """Images as they are after having been quantised.

        Raises:
            ArgumentError: the tokenizer was built without its decoder.
            ShapeError: as `forward`.
        """
        return self._decode(self.quantise(x)[0])

    def _decode(self, levels: Tensor) -> Tensor:
        if self.decoder is None or self.post_quant_proj is None:
            raise ArgumentError("the tokenizer was built without its decoder; build it with with_decoder=True")
        images: Tensor = self.decoder(self.post_quant_proj(levels))
        return images
