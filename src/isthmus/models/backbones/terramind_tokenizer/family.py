"""How a tokenizer of TerraMind is built."""

from dataclasses import dataclass

from isthmus.errors import ArgumentError
from isthmus.models.backbones.family import Family
from isthmus.models.backbones.terramind_tokenizer.catalog import VARIANTS
from isthmus.models.backbones.terramind_tokenizer.network import ImageTokenizer
from isthmus.weights.adapter import Adapter


@dataclass(frozen=True, kw_only=True)
class TerraMindTokenizer(Family):
    """The tokenizers of TerraMind. Their bands are fixed: ids mean something for them alone.

    Args:
        with_decoder: whether to build what turns ids back into images. That of land use alone can be had; the others
            are diffusion models.

    Raises:
        ArgumentError: a decoder is asked for that cannot be had.
    """

    with_decoder: bool = False

    published = Adapter("quant_proj.weight", computed=("encoder.pos_emb", "decoder.pos_emb"))

    def __post_init__(self) -> None:
        if self.with_decoder and not VARIANTS[self.variant].has_transformer_decoder:
            having = ", ".join(name for name, each in VARIANTS.items() if each.has_transformer_decoder)
            raise ArgumentError(
                f"with_decoder: the decoder of {self.variant} is a diffusion model, which is not built; {having} has "
                "another one",
                argument="with_decoder",
            )

    def network(self) -> ImageTokenizer:
        """The tokenizer, at random."""
        own = VARIANTS[self.variant]
        return ImageTokenizer(own.bands, own.levels, self.with_decoder)
