"""`Family`: encoders of one kind, what can be asked of them, and how one is built and gets its weights.

A family is a dataclass. Its fields are the arguments that a configuration gives, read from the source where nothing may
be imported; what many families take is stated once here, and a family states what is its own:

    @dataclass(frozen=True, kw_only=True)
    class Clay(PromptedFamily, BandedFamily):
        gsd: float = 1.0

        def network(self) -> ClayEncoder: ...
        def adapter(self) -> Adapter: ...

What is known about its members (sizes, bands, where the weights are) is in the catalog beside it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from torch import nn

from isthmus.models.backbones.vision_transformer import VitConfig
from isthmus.models.layers.arguments import image_bands, pair
from isthmus.models.layers.prompts import Prompting
from isthmus.models.layers.vit_sizes import VitSizes
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.weights.adapter import Adapter
from isthmus.weights.building import build_with_weights


@dataclass(frozen=True, kw_only=True)
class Family(ABC):
    """What can be asked of everything with published weights.

    Args:
        variant: the name of the member, under which the catalog knows it.
        pretrained: load the published weights, from the Hub or its cache.
        ckpt_path: load the weights in this file, or in this folder under their published name, instead; they are read
            whether or not `pretrained` is set.
        allow_missing_weights: leave parameters that the weights do not have at random instead of refusing.
    """

    variant: str
    pretrained: bool = False
    ckpt_path: str | Path | None = None
    allow_missing_weights: bool = False

    published: ClassVar[Adapter]

    @abstractmethod
    def network(self) -> nn.Module:
        """The network, at random."""

    def adapter(self) -> Adapter:
        """What the published files look like beside the network."""
        return self.published

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the catalog says of the member."""
        return ISTHMUS_BACKBONE_REGISTRY.entry(self.variant).facts

    def first_layer(self) -> dict[str, Any]:
        """How the first layer of the weights is fitted, as `build_with_weights` takes it."""
        return {}

    @classmethod
    def build(cls, **arguments: Any) -> Any:
        """Build a member of the family.

        Returns:
            The encoder. Its `weights_report` says what was loaded. On the `meta` device nothing is loaded.

        Raises:
            ArgumentError: arguments that contradict each other or have no valid value.
            WeightsError: the weights cannot be found, read or fitted.
        """
        family = cls(**arguments)
        return build_with_weights(
            family.network,
            family.adapter(),
            family.variant,
            pretrained=family.pretrained,
            ckpt_path=family.ckpt_path,
            allow_missing=family.allow_missing_weights,
            **family.first_layer(),
        )


@dataclass(frozen=True, kw_only=True)
class FeatureFamily(Family):
    """Encoders, of which features are asked.

    Args:
        out_indices: the features to return, the last ones as negative numbers: the blocks or the stages behind which
            they are taken. Every one where nothing is said, or what the family says.
    """

    out_indices: Sequence[int] | None = None

    default_indices: ClassVar[tuple[int, ...] | None] = None

    @property
    def indices(self) -> Sequence[int] | None:
        """The features to return; None for every one."""
        return self.default_indices if self.out_indices is None else self.out_indices


@dataclass(frozen=True, kw_only=True)
class BandedFamily(Family):
    """Encoders that are told the bands of the images.

    Args:
        bands: the bands of the images, in order; those that the weights were made for by default.
        in_chans: the number of bands, where they have no names.
    """

    bands: Sequence[str | int | Sequence[int]] | None = None
    in_chans: int | None = None

    @property
    def image_bands(self) -> list[str | int]:
        """The bands of the images."""
        return image_bands(self.bands, self.in_chans, self.facts.get("bands", ()))


@dataclass(frozen=True, kw_only=True)
class FittedFamily(Family):
    """Encoders with a first layer that is fitted to the bands of the images. It stands behind what says those.

    Args:
        pretrained_bands: the bands that the weights were made for, where it is not those that the catalog says.
        new_bands: what bands that the weights do not know start from: "mean", the mean over the bands that they know,
            or "random". By default "mean", and an error where the weights know none of the bands.
    """

    pretrained_bands: Sequence[str | int | Sequence[int]] | None = None
    new_bands: str | None = None

    @property
    @abstractmethod
    def image_bands(self) -> list[str | int]:
        """The bands of the images."""

    def first_layer(self) -> dict[str, Any]:
        """How the first layer of the weights is fitted, as `build_with_weights` takes it."""
        return {"bands": self.image_bands, "pretrained_bands": self.pretrained_bands, "new_bands": self.new_bands}


@dataclass(frozen=True, kw_only=True)
class TransformerFamily(Family):
    """Vision transformers.

    Args:
        img_size: height and width of the images, or one number for both; those of the pretraining by default.
        drop_path: the rate of stochastic depth of the last block.
    """

    img_size: int | Sequence[int] | None = None
    drop_path: float = 0.0

    @property
    def native_size(self) -> tuple[int, int]:
        """Height and width of the images."""
        return pair(self.facts["image_size"] if self.img_size is None else self.img_size, "img_size")


@dataclass(frozen=True, kw_only=True)
class PromptedFamily(TransformerFamily, FeatureFamily):
    """Vision transformers as encoders, whose blocks may see prompts.

    Args:
        vpt: tune visual prompts (arXiv 2203.12119): learned tokens in every block, which stay trainable where the
            encoder is frozen.
        vpt_n_tokens: how many prompts a block has.
        vpt_dropout: the dropout of the prompts.
    """

    vpt: bool = False
    vpt_n_tokens: int | None = None
    vpt_dropout: float = 0.0

    @property
    def prompting(self) -> Prompting:
        """The prompts that are asked for."""
        return Prompting(self.vpt, self.vpt_n_tokens, self.vpt_dropout)

    def vit(self, bands: Sequence[str | int], sizes: VitSizes) -> VitConfig:
        """What a network for these bands, of these sizes, is made of."""
        return VitConfig(bands, self.native_size, sizes, self.indices, self.drop_path, self.prompting)

    def adapter(self) -> Adapter:
        """What the published files look like beside the network: the prompts are in none of them."""
        published = super().adapter()
        return replace(published, added=(*published.added, "vpt_prompt_embeddings."))
