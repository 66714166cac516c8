"""How an encoder of Clay is built."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from isthmus.models.backbones.clay.catalog import CLAY_WAVELENGTHS, VARIANTS
from isthmus.models.backbones.clay.network import ClayEncoder
from isthmus.models.backbones.family import BandedFamily, PromptedFamily
from isthmus.models.layers.wavelength_embedding import wavelengths_of
from isthmus.weights.adapter import Adapter

_IN_A_BLOCK = {
    "0.norm.": "norm1.",
    "0.to_qkv.": "attn.qkv.",
    "0.to_out.": "attn.proj.",
    "1.net.0.": "norm2.",
    "1.net.1.": "mlp.fc1.",
    "1.net.3.": "mlp.fc2.",
}


@dataclass(frozen=True, kw_only=True)
class Clay(PromptedFamily, BandedFamily):
    """The Clay family, for images of any bands whose wavelength is known.

    Args:
        wavelengths: the wavelength of each band in micrometres; by default those of the pretraining.
        gsd: the size of a pixel on the ground in metres, where a sample does not tell: 10 for Sentinel-2.
    """

    wavelengths: Sequence[float] | None = None
    gsd: float = 1.0

    published = Adapter("patch_embedding.weight_generator.weight_tokens")

    def network(self) -> ClayEncoder:
        """The network, at random."""
        bands = self.image_bands
        waves = wavelengths_of(bands, self.wavelengths, CLAY_WAVELENGTHS)
        return ClayEncoder(self.vit(bands, VARIANTS[self.variant]), waves, self.gsd)

    def adapter(self) -> Adapter:
        """What the published files look like beside the network."""
        return replace(super().adapter(), renames=renames(VARIANTS[self.variant].depth))


def renames(depth: int) -> dict[str, str]:
    """The published names in an encoder of so many blocks, and its own."""
    blocks = {
        f"transformer.layers.{index}.{theirs}": f"blocks.{index}.{ours}"
        for index in range(depth)
        for theirs, ours in _IN_A_BLOCK.items()
    }
    prompts = {"transformer.vpt_prompt_embeddings.": "vpt_prompt_embeddings."}
    return {"transformer.norm.": "norm.", **prompts, **blocks}
