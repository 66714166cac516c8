"""The published tokenizers of TerraMind, built by name, with their weights."""

from dataclasses import dataclass
from pathlib import Path

from isthmus.errors import ArgumentError
from isthmus.models.backbones.terramind_modalities import LULC_CLASSES, S2L2A_BANDS
from isthmus.models.backbones.terramind_tokenizer import ImageTokenizer
from isthmus.weights.adapter import Adapter
from isthmus.weights.building import build_with_weights

PUBLISHED = Adapter("quant_proj.weight", computed=("encoder.pos_emb", "decoder.pos_emb"))
PIXEL_LEVELS = (8, 8, 8, 6, 5)
CLASS_LEVELS = (7, 5, 5, 5, 5)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a tokenizer takes, and into how many levels each channel of its codes is quantised.

    Its decoder is a transformer, which can be built, or a diffusion model, which cannot.
    """

    bands: tuple[str | int, ...]
    levels: tuple[int, ...] = PIXEL_LEVELS
    has_transformer_decoder: bool = False


VARIANTS = {
    "terramind_v1_tokenizer_s2l2a": Tokens(S2L2A_BANDS),
    "terramind_v1_tokenizer_s1grd": Tokens(("VV", "VH")),
    "terramind_v1_tokenizer_s1rtc": Tokens(("VV", "VH")),
    "terramind_v1_tokenizer_dem": Tokens(("DEM",)),
    "terramind_v1_tokenizer_ndvi": Tokens(("NDVI",)),
    "terramind_v1_tokenizer_lulc": Tokens(LULC_CLASSES, CLASS_LEVELS, has_transformer_decoder=True),
}


def terramind_tokenizer(
    variant: str,
    pretrained: bool = False,
    ckpt_path: str | Path | None = None,
    with_decoder: bool = False,
    allow_missing_weights: bool = False,
) -> ImageTokenizer:
    """Build a tokenizer of the TerraMind family. Its bands are fixed: ids mean something for them alone.

    Args:
        variant: the name of the tokenizer, such as `terramind_v1_tokenizer_lulc`.
        pretrained: load the published weights, from the Hub or its cache.
        ckpt_path: load the weights in this file instead; it is read whether or not `pretrained` is set.
        with_decoder: whether to build what turns ids back into images. That of land use alone can be had; the others
            are diffusion models.
        allow_missing_weights: leave parameters that the weights do not have at random instead of refusing.

    Returns:
        The tokenizer. Its `weights_report` says what was loaded. On the `meta` device nothing is loaded.

    Raises:
        ArgumentError: a decoder is asked for that cannot be had.
        WeightsError: the weights cannot be found, read or fitted.
    """
    own = VARIANTS[variant]
    if with_decoder and not own.has_transformer_decoder:
        having = ", ".join(name for name, each in VARIANTS.items() if each.has_transformer_decoder)
        raise ArgumentError(
            f"with_decoder: the decoder of {variant} is a diffusion model, which is not built; {having} has another one"
        )
    return build_with_weights(
        lambda: ImageTokenizer(own.bands, own.levels, with_decoder),
        PUBLISHED,
        variant,
        pretrained=pretrained,
        ckpt_path=ckpt_path,
        allow_missing=allow_missing_weights,
    )
