"""What the networks of the Prithvi-EO family share: patches of space and time, dates and places, and the blocks."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from isthmus.errors import ArgumentError, ShapeError, did_you_mean
from isthmus.models.backbones.encoder import Encoder
from isthmus.models.layers.coordinates import CoordinateEncoder, add_coordinates
from isthmus.models.layers.patch_embedding import PatchEmbedding
from isthmus.models.layers.prompts import NO_PROMPTS, Prompting
from isthmus.models.layers.sincos import grid_positions, native_positions
from isthmus.models.layers.transformer import TransformerBlock, growing_rates
from isthmus.specs.features import FeatureSpec
from isthmus.specs.inputs import InputSpec

COORDINATES = ("time", "location")


@dataclass(frozen=True, kw_only=True, slots=True)
class PrithviConfig:
    """The sizes of a network of the family.

    Attributes:
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
        drop_path: the rate of stochastic depth of the last block; it grows linearly from zero at the first.
        out_indices: the blocks whose output is asked for, the last ones as negative numbers.
        prompting: the prompts that every block sees beside the tokens.

    Raises:
        ArgumentError: sizes that are not divisible by each other as they must be, or an unknown encoding.
    """

    bands: Sequence[str | int]
    num_frames: int
    img_size: tuple[int, int]
    patch_size: tuple[int, int, int]
    embed_dim: int
    depth: int
    num_heads: int
    mlp_ratio: float = 4.0
    coords_encoding: Sequence[str] = ()
    coords_scale_learn: bool = False
    drop_path: float = 0.0
    out_indices: Sequence[int] | None = None
    prompting: Prompting = NO_PROMPTS

    def __post_init__(self) -> None:
        _check_sizes(self.num_frames, self.img_size, self.patch_size, self.embed_dim, self.num_heads)
        _check_coordinates(self.coords_encoding, self.patch_size)

    @property
    def grid(self) -> tuple[int, int, int]:
        """The number of patches along time, height and width."""
        frames, height, width = self.patch_size
        return self.num_frames // frames, self.img_size[0] // height, self.img_size[1] // width

    @property
    def input_spec(self) -> InputSpec:
        """What a network of these sizes takes."""
        encoded = {"time": "temporal_coords", "location": "location_coords"}
        return InputSpec.of_image(
            len(self.bands),
            tuple(self.bands),
            frames=self.num_frames,
            image_size=self.img_size,
            multiple=self.patch_size,
            metadata=tuple(name for what, name in encoded.items() if what in self.coords_encoding),
        )

    def encoder_of(self, what: str, channels: int) -> CoordinateEncoder | None:
        """The encoder of "time" or "location" for tokens of a size; None where that is not encoded."""
        if what not in self.coords_encoding:
            return None
        return CoordinateEncoder(channels, learned_scale=self.coords_scale_learn)


class PrithviTrunk(Encoder):
    """Embeds images and holds the blocks; what is done with both is left to the networks built on it.

    Args:
        config: the sizes.
        input_spec: what the network takes.
        feature_specs: per feature that it returns, its layout.

    Attributes:
        patch_size: of a patch, (time, height, width).
        grid_size: the native number of patches along time, height and width.
    """

    pos_embed: Tensor

    def __init__(self, config: PrithviConfig, input_spec: InputSpec, feature_specs: Sequence[FeatureSpec]) -> None:
        super().__init__(input_spec, feature_specs)
        prompts = config.prompting.prompts(config.depth, config.embed_dim, config.patch_size[1:])
        self.patch_size, self.grid_size, self.embed_dim = config.patch_size, config.grid, config.embed_dim
        self.register_buffer("pos_embed", native_positions(config.embed_dim, config.grid))
        self.patch_embed = PatchEmbedding(len(config.bands), config.embed_dim, config.patch_size)
        self.temporal_embed_enc = config.encoder_of("time", config.embed_dim)
        self.location_embed_enc = config.encoder_of("location", config.embed_dim)
        rates = growing_rates(config.drop_path, config.depth)
        self.blocks = nn.ModuleList(
            TransformerBlock(config.embed_dim, config.num_heads, config.mlp_ratio, rate) for rate in rates
        )
        self.vpt_prompt_embeddings = prompts

    def embed(
        self,
        x: Float[Tensor, "batch bands frames height width"],
        temporal_coords: Float[Tensor, "*dates"] | None = None,
        location_coords: Float[Tensor, "*places"] | None = None,
    ) -> Float[Tensor, "batch grid_time grid_height grid_width embed"]:
        """The tokens of a time series at their places in the grid: patch, position, date and place.

        Raises:
            ShapeError: coordinates of another shape.
        """
        patches: Tensor = self.patch_embed(x)
        patches = patches + grid_positions(self.pos_embed, self.grid_size, (patches.shape[2], patches.shape[3]))
        encoders = (self.temporal_embed_enc, self.location_embed_enc)
        return add_coordinates(patches, *encoders, temporal_coords, location_coords)

    def as_time_series(self, x: Float[Tensor, "*image"]) -> Float[Tensor, "batch bands frames height width"]:
        """Images with an axis of time, after a look at their shape.

        Raises:
            ShapeError: another number of axes, of bands or of frames, or an image smaller than a patch.
        """
        if x.ndim == 4 and self.num_frames == 1:
            x = x.unsqueeze(2)
        if x.ndim != 5:
            single = "(B, C, H, W) or " if self.num_frames == 1 else ""
            raise ShapeError(
                f"the encoder takes images of shape {single}(B, C, T, H, W) with T = {self.num_frames}, "
                f"but was given {tuple(x.shape)}{self._hint_at_channels(x)}"
            )
        if x.shape[1] != len(self.bands):
            names = ", ".join(str(band) for band in self.bands)
            raise ShapeError(
                f"the encoder takes {len(self.bands)} bands ({names}), but the image of shape {tuple(x.shape)} "
                f"has {x.shape[1]}"
            )
        if x.shape[2] != self.num_frames:
            raise ShapeError(
                f"the encoder takes {self.num_frames} frame(s), but the image of shape {tuple(x.shape)} "
                f"(B, C, T, H, W) has {x.shape[2]}: build it with num_frames {x.shape[2]}"
            )
        rests = [size % patch for size, patch in zip(x.shape[2:], self.patch_size, strict=True)]
        if any(size < patch for size, patch in zip(x.shape[2:], self.patch_size, strict=True)):
            raise ShapeError(f"the image of shape {tuple(x.shape)} is smaller than a patch {self.patch_size} (T, H, W)")
        if any(rests):
            warnings.warn(
                f"the image of shape {tuple(x.shape)} is no multiple of the patch {self.patch_size} (T, H, W): the "
                f"last {rests[1]} rows and {rests[2]} columns are not seen; pad it to avoid that",
                stacklevel=3,
            )
        return x

    def _hint_at_channels(self, x: Tensor) -> str:
        if x.ndim != 4 or x.shape[1] != len(self.bands) * self.num_frames:
            return ""
        return (
            f": {x.shape[1]} channels are {self.num_frames} frames of {len(self.bands)} bands; the datamodule parts "
            "them with expand_temporal_dimension: true"
        )


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
