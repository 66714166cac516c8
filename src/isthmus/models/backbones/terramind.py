"""The published variants of TerraMind, built by name, with their weights.

The network itself is in `terramind_encoder`, the tokenizers in `terramind_tokenizer`; what is known about each variant
is in the catalog of backbones.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from isthmus.errors import ArgumentError, did_you_mean
from isthmus.models.backbones.terramind_encoder import TerraMindEncoder
from isthmus.models.backbones.terramind_modalities import Bands, Input, Kind, by_modality, chosen_inputs
from isthmus.models.backbones.terramind_tokenizer import ImageTokenizer
from isthmus.models.backbones.terramind_tokenizers import terramind_tokenizer
from isthmus.models.layers.arguments import pair
from isthmus.models.layers.prompts import prompts_for
from isthmus.weights.adapter import Adapter
from isthmus.weights.building import build_with_weights
from isthmus.weights.first_layer import FirstLayer
from isthmus.weights.uninitialised import initialised

PUBLISHED = Adapter("encoder_norm.weight", added=("missing_mod_token", "vpt_prompt_embeddings."))
PATCH_SIZE = 16


@dataclass(frozen=True, slots=True)
class Architecture:
    """The sizes of a variant: of a token, in blocks, in heads; whether its feed-forward networks are gated."""

    embed_dim: int
    depth: int
    num_heads: int
    gated: bool


VARIANTS = {
    "terramind_v01_base": Architecture(768, 12, 12, gated=True),
    "terramind_v1_tiny": Architecture(192, 12, 3, gated=False),
    "terramind_v1_small": Architecture(384, 12, 6, gated=False),
    "terramind_v1_base": Architecture(768, 12, 12, gated=True),
    "terramind_v1_large": Architecture(1024, 24, 16, gated=True),
}


def terramind(
    variant: str,
    modalities: Sequence[str | Mapping[str, int]] | Mapping[str, int] | None = None,
    merge_method: str | None = "mean",
    pretrained: bool = False,
    ckpt_path: str | Path | None = None,
    bands: Sequence[str | int | Sequence[int]] | Mapping[str, Sequence[str | int | Sequence[int]]] | None = None,
    in_chans: int | None = None,
    img_size: int | Sequence[int] = 224,
    out_indices: Sequence[int] | None = None,
    drop_path: float = 0.0,
    vpt: bool = False,
    vpt_n_tokens: int | None = None,
    vpt_dropout: float = 0.0,
    pretrained_bands: Sequence[str | int | Sequence[int]]
    | Mapping[str, Sequence[str | int | Sequence[int]]]
    | None = None,
    new_bands: str | None = None,
    tokenizers: bool = True,
    tokenizer_paths: Mapping[str, str | Path] | None = None,
    allow_missing_weights: bool = False,
) -> TerraMindEncoder:
    """Build an encoder of the TerraMind family.

    Args:
        variant: the name of the variant, such as `terramind_v1_base`.
        modalities: the kinds of input: S2L2A, S2L1C, RGB, S1GRD, S1RTC, DEM, LULC, NDVI, Caption, Coords, and new ones
            with the number of their channels, as in `[S2L2A, {"planet": 4}]`. S2L2A by default.
        merge_method: what becomes of the tokens of several modalities: "mean", "max", "concat", "dict" or None.
        pretrained: load the published weights, from the Hub or its cache.
        ckpt_path: load the weights in this file instead; it is read whether or not `pretrained` is set.
        bands: the bands of the images by modality, in order, or a list where one modality is images; all that
            TerraMind was made for by default.
        in_chans: the number of bands of one new modality called `image`, in the place of `modalities`.
        img_size: height and width of the images, or one number for both.
        out_indices: the blocks whose output is returned; every block by default.
        drop_path: the rate of stochastic depth of the last block.
        vpt: tune visual prompts (arXiv 2203.12119): learned tokens in every block, which stay trainable where the
            encoder is frozen.
        vpt_n_tokens: how many prompts a block has.
        vpt_dropout: the dropout of the prompts.
        pretrained_bands: the bands that the weights were made for, by modality or as a list.
        new_bands: what bands that the weights do not know start from: "mean", the mean over the bands that they know,
            or "random". By default "mean", and an error where the weights know none of the bands.
        tokenizers: whether to build the tokenizers of LULC and NDVI; without them these take ids.
        tokenizer_paths: files with the weights of the tokenizers, by modality. Without one, they come from the Hub
            where those of the encoder do, and from the file of the encoder otherwise.
        allow_missing_weights: leave parameters that the weights do not have at random instead of refusing. A new
            modality, which no weights have, always starts at random.

    Returns:
        The encoder. Its `weights_report` says what was loaded. On the `meta` device nothing is loaded.

    Raises:
        ArgumentError: arguments that contradict each other or have no valid value.
        WeightsError: the weights cannot be found, read or fitted.
    """
    sizes = VARIANTS[variant]
    inputs = chosen_inputs(_modalities(modalities, in_chans), bands)
    paths = _tokenizer_paths(inputs, tokenizer_paths, tokenizers)
    published = pretrained and ckpt_path is None

    def construct() -> TerraMindEncoder:
        prompts = prompts_for(
            sizes.depth,
            sizes.embed_dim,
            (PATCH_SIZE, PATCH_SIZE),
            vpt=vpt,
            vpt_n_tokens=vpt_n_tokens,
            vpt_dropout=vpt_dropout,
        )
        return TerraMindEncoder(
            inputs,
            pair(img_size, "img_size"),
            PATCH_SIZE,
            sizes.embed_dim,
            sizes.depth,
            sizes.num_heads,
            gated=sizes.gated,
            merge_method=merge_method,
            out_indices=out_indices,
            drop_path=drop_path,
            prompts=prompts,
            tokenizers={name: _tokenizer(name, inputs, published, path) for name, path in paths.items()},
        )

    return build_with_weights(
        construct,
        _adapter(
            inputs,
            by_modality(pretrained_bands, inputs, "pretrained_bands"),
            {name: published or path is not None for name, path in paths.items()},
        ),
        variant,
        pretrained=pretrained,
        ckpt_path=ckpt_path,
        new_bands=new_bands,
        allow_missing=allow_missing_weights,
    )


def _modalities(
    modalities: Sequence[str | Mapping[str, int]] | Mapping[str, int] | None, in_chans: int | None
) -> Sequence[str | Mapping[str, int]] | Mapping[str, int]:
    if in_chans is None:
        return ["S2L2A"] if modalities is None else modalities
    if modalities is not None:
        raise ArgumentError(f"in_chans is {in_chans}, but modalities tells the channels; leave in_chans out")
    return {"image": in_chans}


def _adapter(inputs: Sequence[Input], pretrained_bands: Mapping[str, Bands], tokenizers: Mapping[str, bool]) -> Adapter:
    """What the published files look like, beside an encoder of these inputs.

    Of `tokenizers`, by modality, those that are true have their weights from elsewhere.
    """
    embeddings = {each.name: f"encoder_embeddings.{each.key}." for each in inputs}
    new = [embeddings[each.name] for each in inputs if each.is_new]
    elsewhere = [f"tokenizer.{each.key}." for each in inputs if tokenizers.get(each.name)]
    layers = {
        embeddings[each.name] + "proj.weight": FirstLayer(
            each.bands, pretrained_bands.get(each.name, each.modality.bands or each.bands), bands_last=True
        )
        for each in inputs
        if each.kind is Kind.IMAGE
    }
    computed = [name + "pos_emb" for name in embeddings.values()]
    computed += [f"tokenizer.{each.key}.encoder.pos_emb" for each in inputs if each.name in tokenizers]
    return replace(PUBLISHED, added=(*PUBLISHED.added, *new, *elsewhere), first_layers=layers, computed=tuple(computed))


def _tokenizer_paths(
    inputs: Sequence[Input], given: Mapping[str, str | Path] | None, wanted: bool
) -> dict[str, str | Path | None]:
    """The tokenizers to build, by modality, each with the file that its weights are in if one was given."""
    names = [each.name for each in inputs if each.kind is Kind.CODES] if wanted else []
    for name in given or {}:
        if name not in names:
            raise ArgumentError(
                f"tokenizer_paths has {name!r}{did_you_mean(name, names) or '.'} The tokenizers of this encoder are "
                f"those of: {', '.join(names) or 'no modality'}"
            )
    return {name: (given or {}).get(name) for name in names}


def _tokenizer(name: str, inputs: Sequence[Input], published: bool, path: str | Path | None) -> ImageTokenizer:
    [modality] = [each.modality for each in inputs if each.name == name]
    with initialised() if published or path is not None else nullcontext():  # its weights are not loaded again
        return terramind_tokenizer(str(modality.tokenizer), pretrained=published, ckpt_path=path)
