"""The encoder of TerraMind (arXiv 2504.11171): one transformer over the tokens of several modalities."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.errors import ArgumentError, ShapeError, did_you_mean
from isthmus.models.backbones.encoder import Encoder
from isthmus.models.backbones.terramind.catalog import TerraMindSizes
from isthmus.models.backbones.terramind.embeddings import CodeEmbedding, PixelEmbedding, SequenceEmbedding
from isthmus.models.backbones.terramind.modalities import Input, Kind
from isthmus.models.backbones.terramind_tokenizer.network import ImageTokenizer
from isthmus.models.layers.arguments import feature_indices
from isthmus.models.layers.image_shape import check_image
from isthmus.models.layers.prompts import DeepPrompts
from isthmus.models.layers.transformer import TransformerBlock, growing_rates, run_blocks
from isthmus.specs.features import FeatureSpec, Layout
from isthmus.specs.inputs import IMAGE, InputSpec, Modality
from isthmus.weights.uninitialised import initialised

MERGE_METHODS = ("mean", "max", "concat", "dict", None)
MASK = "_mask"  # behind the name of a sequence: which of its ids are padding


class UnbiasedLayerNorm(nn.Module):
    """A layer normalisation with a learned weight and, as a constant in its state, a bias of zero.

    Args:
        channels: the size of a token.
    """

    bias: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))

    def forward(self, x: Float[Tensor, "*batch channels"]) -> Float[Tensor, "*batch channels"]:
        """Normalise every token by itself."""
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, eps=1e-6)


class TerraMindEncoder(Encoder):
    """The encoder of TerraMind.

    Takes images of several modalities as a dict or as keywords, `{"S2L2A": (B, 12, H, W), "DEM": (B, 1, H, W)}`; a
    tensor by itself is the first modality that is an image. Any of the modalities may be left out of a batch. Those
    that are not images of pixels are

    - LULC and NDVI: images `(B, C, H, W)` that the tokenizer of the encoder turns into ids, or the ids `(B, h, w)`;
    - Caption and Coords: ids `(B, L)`, and optionally, as `Caption_mask` and `Coords_mask`, a bool `(B, L)` that is
      true for padding. Padding loses its position but is attended to, as in pretraining.

    Gives one feature for each block in `out_indices`, of which that of the last block is normalised. What it is depends
    on `merge_method`, where N is H/16 x W/16:

    - mean, max: over the modalities on a grid, `(B, N, embed_dim)`;
    - concat: their channels one after the other, in the order of `modalities`, `(B, N, modalities x embed_dim)`; a
      learned token stands in for those that a batch does not have;
    - dict: the tokens of each modality of the batch by its name;
    - None: the tokens of all modalities of the batch one after the other, in the order of `modalities`.

    Args:
        inputs: the modalities.
        img_size: height and width of the images that positions are made for; others are interpolated to.
        sizes: of tokens, blocks, heads and patches.
        merge_method: mean, max, concat, dict or None.
        out_indices: the blocks whose output is returned, the last ones as negative numbers; every block by default.
        drop_path: the rate of stochastic depth of the last block; it grows linearly from zero at the first.
        prompts: what every block sees beside the tokens.
        tokenizers: what turns images into ids, by the name of the modality. They are not trained.

    Attributes:
        modalities: the names of the modalities.
        modality_bands: the bands of every modality that is an image of pixels.
        feature_specs: per returned feature, its layout; with `dict` that of each tensor in the feature. Without merging
            the tokens are on no common grid, and have no stride.

    Raises:
        ArgumentError: sizes that do not divide each other, or an unknown merge method.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        img_size: tuple[int, int],
        sizes: TerraMindSizes,
        *,
        merge_method: str | None = "mean",
        out_indices: Sequence[int] | None = None,
        drop_path: float = 0.0,
        prompts: DeepPrompts | None = None,
        tokenizers: Mapping[str, ImageTokenizer] | None = None,
    ) -> None:
        _check_merge(merge_method)
        _check_sizes(img_size, sizes)
        tokenizers, patch, embed_dim = tokenizers or {}, (sizes.patch_size, sizes.patch_size), sizes.embed_dim
        indices = feature_indices(out_indices, sizes.depth)
        images = _images(inputs, tokenizers)
        merged = sum(each.kind is not Kind.SEQUENCE for each in inputs) if merge_method == "concat" else 1
        stride = None if merge_method is None else (float(patch[0]), float(patch[1]))
        super().__init__(
            _input_spec(inputs, images, img_size, patch),
            [FeatureSpec(embed_dim * merged, Layout.TOKENS, stride)] * len(indices),
        )
        self.inputs = {each.name: each for each in inputs}
        self.modalities = list(self.inputs)
        self.modality_bands = {each.name: list(each.bands) for each in inputs if each.kind is Kind.IMAGE}
        self.patch_size, self.embed_dim, self.merge_method = patch, embed_dim, merge_method
        self.out_indices = indices
        self._first = (images or inputs)[0].name

        if merge_method == "concat":
            with initialised():
                self.missing_mod_token = nn.Parameter(torch.empty(embed_dim))
            nn.init.trunc_normal_(self.missing_mod_token, std=0.02)
        grid = img_size[0] // patch[0], img_size[1] // patch[1]
        self.encoder_embeddings = nn.ModuleDict(
            {each.key: _embedding(each, embed_dim, grid, sizes.patch_size) for each in inputs}
        )
        rates = growing_rates(drop_path, sizes.depth)
        self.encoder = nn.ModuleList(
            TransformerBlock(embed_dim, sizes.num_heads, drop_path=rate, norm=UnbiasedLayerNorm, gated=sizes.gated)
            for rate in rates
        )
        self.encoder_norm = UnbiasedLayerNorm(embed_dim)
        self.vpt_prompt_embeddings = prompts
        named = {self.inputs[name].key: tokenizer for name, tokenizer in tokenizers.items()}
        self.tokenizer = nn.ModuleDict(named).requires_grad_(requires_grad=False)

    def forward(
        self, x: Shaped[Tensor, "..."] | Mapping[str, Any] | None = None, **modalities: Any
    ) -> list[Float[Tensor, "batch tokens channels"]] | list[dict[str, Float[Tensor, "batch _ channels"]]]:
        """Encode a batch of images.

        Args:
            x: the modalities by name, or a tensor of the first that is an image.
            modalities: the same as keywords, which count before those in `x`.

        Raises:
            ShapeError: no modality that the encoder takes, one of another shape than it should have, or several whose
                grids differ and cannot be merged.
        """
        given = self._given(x, modalities)
        tokens = {name: self._embed(self.inputs[name], given) for name in self.modalities if name in given}
        self._check_grids(tokens, given)
        lengths = [each.shape[1] for each in tokens.values()]
        joined = torch.cat([*tokens.values()], dim=1)
        features = run_blocks(self.encoder, self.encoder_norm, joined, self.out_indices, self.vpt_prompt_embeddings)
        if self.merge_method is None:
            return features
        split = [dict(zip(tokens, feature.split(lengths, dim=1), strict=True)) for feature in features]
        return split if self.merge_method == "dict" else [self._merge(parts) for parts in split]

    def _given(self, x: Tensor | Mapping[str, Any] | None, modalities: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs by name, with the masks of those that have one."""
        given: dict[str, Any] = {**({self._first: x} if isinstance(x, Tensor) else x or {}), **modalities}
        masks = [name + MASK for name, each in self.inputs.items() if each.kind is Kind.SEQUENCE]
        for name in given:
            if name not in self.inputs and name not in masks:
                hint = did_you_mean(name, self.modalities) or f"; the encoder takes {', '.join(self.modalities)}"
                warnings.warn(f"the input {name!r} is none of the modalities and is not used{hint}", stacklevel=3)
        if not any(name in self.inputs for name in given):
            raise ShapeError(
                f"no input that the encoder takes: it takes {', '.join(self.modalities)}, and was given "
                f"{', '.join(given) or 'nothing'}"
            )
        return given

    def _embed(self, own: Input, given: Mapping[str, Any]) -> Float[Tensor, "batch tokens embed"]:
        """The tokens of one input."""
        x, embedding = given[own.name], self.encoder_embeddings[own.key]
        embedded: Tensor
        if own.kind is Kind.IMAGE:
            _check_pixels(own, x, self.patch_size)
            embedded = embedding(x)
        elif own.kind is Kind.CODES:
            embedded = embedding(self._ids(own, x))
        else:
            _check_ids(own.name, x, ("B", "L"))
            mask = given.get(own.name + MASK)
            if mask is not None and mask.shape != x.shape:
                raise ShapeError(f"{own.name}{MASK} has the shape {tuple(mask.shape)}, not {tuple(x.shape)} as its ids")
            embedded = embedding(x, None if mask is None else mask.bool())
        return embedded

    def _ids(self, own: Input, x: Tensor) -> Tensor:
        if x.ndim != 4:
            _check_ids(own.name, x, ("B", "h", "w"))
            return x
        if own.key not in self.tokenizer:
            raise ShapeError(
                f"{own.name} has the shape {tuple(x.shape)}, but the encoder was built without tokenizers: integer "
                "ids (B, h, w) were expected"
            )
        ids: Tensor = self.tokenizer[own.key].tokenize(x)  # type: ignore[operator]
        return ids

    def _on_grid(self, names: Sequence[str] | Mapping[str, Tensor]) -> list[str]:
        return [name for name in names if self.inputs[name].kind is not Kind.SEQUENCE]

    def _check_grids(self, tokens: Mapping[str, Tensor], given: Mapping[str, Any]) -> None:
        shapes = ", ".join(f"{name} {tuple(given[name].shape)}" for name in tokens)
        if len({each.shape[0] for each in tokens.values()}) > 1:
            raise ShapeError(f"the modalities of a batch have different numbers of samples: {shapes}")
        if self.merge_method in (None, "dict"):
            return
        counts = {tokens[name].shape[1] for name in self._on_grid(tokens)}
        if len(counts) != 1:
            fault = "give different numbers of tokens" if counts else "have no grid"
            raise ShapeError(
                f"the inputs {shapes} {fault} and cannot be merged by {self.merge_method!r}; merge_method: dict takes "
                "them as they are"
            )

    def _merge(self, parts: Mapping[str, Tensor]) -> Float[Tensor, "batch tokens channels"]:
        on_grid = self._on_grid(parts)
        if self.merge_method == "concat":
            missing = self.missing_mod_token.to(parts[on_grid[0]].dtype).expand_as(parts[on_grid[0]])
            return torch.cat([parts.get(name, missing) for name in self._on_grid(self.modalities)], dim=-1)
        stacked = torch.stack([parts[name] for name in on_grid])
        return stacked.mean(0) if self.merge_method == "mean" else stacked.amax(0)


def _images(inputs: Sequence[Input], tokenizers: Mapping[str, ImageTokenizer]) -> list[Input]:
    """The inputs that are images: those of pixels first, then those that a tokenizer turns into ids."""
    pixels = [each for each in inputs if each.kind is Kind.IMAGE]
    return [*pixels, *(each for each in inputs if each.name in tokenizers)]


def _input_spec(
    inputs: Sequence[Input], images: Sequence[Input], img_size: tuple[int, int], patch: tuple[int, int]
) -> InputSpec:
    """What the encoder takes: its images, and as keywords its ids, with the masks of sequences."""
    names = [each.name for each in images] if len(images) > 1 else [IMAGE] * len(images)
    ids = [each for each in inputs if each not in images]
    masks = [each.name + MASK for each in ids if each.kind is Kind.SEQUENCE]
    return InputSpec(
        modalities={
            name: Modality(len(each.bands), tuple(each.bands)) for name, each in zip(names, images, strict=True)
        },
        image_size=img_size,
        multiple=(1, *patch),
        metadata=(*(each.name for each in ids), *masks),
    )


def _embedding(own: Input, channels: int, grid: tuple[int, int], patch_size: int) -> nn.Module:
    if own.kind is Kind.CODES:
        return CodeEmbedding(own.modality.vocabulary, channels, grid)
    if own.kind is Kind.SEQUENCE:
        return SequenceEmbedding(own.modality.vocabulary, channels)
    if own.is_new:
        with initialised():
            return PixelEmbedding(len(own.bands), channels, grid, patch_size)
    return PixelEmbedding(len(own.bands), channels, grid, patch_size)


def _check_pixels(own: Input, x: Tensor, patch_size: tuple[int, int]) -> None:
    try:
        check_image(x, own.bands, patch_size)
    except ShapeError as error:
        raise ShapeError(f"{own.name}: {error}") from None


def _check_ids(name: str, ids: Tensor, axes: tuple[str, ...]) -> None:
    if ids.ndim != len(axes) or ids.dtype.is_floating_point:
        raise ShapeError(
            f"{name} is a tensor of {ids.dtype} of the shape {tuple(ids.shape)}: integer ids ({', '.join(axes)}) were "
            "expected"
        )


def _check_merge(method: str | None) -> None:
    if method not in MERGE_METHODS:
        known = [each for each in MERGE_METHODS if each is not None]
        hint = did_you_mean(str(method), known) or f"; it is {', '.join(known)} or None"
        raise ArgumentError(f"merge_method has no choice {method!r}{hint}")


def _check_sizes(img_size: tuple[int, int], sizes: TerraMindSizes) -> None:
    if min(img_size) < sizes.patch_size:
        raise ArgumentError(f"img_size {img_size} is smaller than a patch of {sizes.patch_size}")
    if sizes.embed_dim % 4 or sizes.embed_dim % sizes.num_heads:
        raise ArgumentError(
            f"embed_dim is {sizes.embed_dim} with num_heads {sizes.num_heads}: a multiple of 4 and of num_heads was "
            "expected"
        )
