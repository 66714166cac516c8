"""The convolutional encoder-decoders of Isthmus: each a backbone and, in `model_catalog`, a model of its own."""

from dataclasses import dataclass
from typing import Any

from isthmus.registry.entry import Entry
from isthmus.registry.families import BackboneFacts
from isthmus.registry.sources.static_scan import merge
from isthmus.signatures import Signature, static_signature

BACKBONE = "isthmus.models.backbones.block_networks.network:block_features"
MODEL = "isthmus.models.block_model:block_network"

_DECIDED_ELSEWHERE = frozenset({"in_channels", "head_channels", "input_stride"})
_OF_MODELS_ALONE = frozenset({"pad"})


@dataclass(frozen=True)
class NetworkEntry(Entry):
    """A network, whose arguments are those of its constructor beside those of the adapter around it."""

    def signature(self) -> Signature:
        """What the adapter takes, and what the constructor of the network takes."""
        adapter = static_signature(str(self.target)) or Signature(())
        network = static_signature(self.preset["network"]) or Signature(())
        own = network.without(_DECIDED_ELSEWHERE | (_OF_MODELS_ALONE if self.target == BACKBONE else frozenset()))
        return merge(adapter.parameters, own.parameters).without(self.preset)


@dataclass(frozen=True)
class Network:
    """A network by name.

    Attributes:
        name: what it is called as a backbone and as a model.
        constructor: its constructor, as `module:class.method` below `isthmus.blocks`.
        family: what it is one of.
        parameters: how many numbers it learns for three bands, without a head.
        doc: what it is.
        preset: the arguments of the constructor that the name stands for.
    """

    name: str
    constructor: str
    family: str
    parameters: int
    doc: str
    preset: tuple[tuple[str, Any], ...] = ()

    def entry(self, adapter: str) -> NetworkEntry:
        """The network behind an adapter."""
        facts = BackboneFacts(family=self.family, doc=self.doc, parameters=self.parameters)
        preset = {"network": f"isthmus.blocks.{self.constructor}", **dict(self.preset)}
        return NetworkEntry(self.name, adapter, preset, facts)


NETWORKS = (
    Network("unet", "unet:UNet.from_config", "unet", 34_513_280, "U-Net (Ronneberger et al., 2015)"),
    Network(
        "leap_cnn",
        "leap_cnn:LeapCNN.from_config",
        "leap_cnn",
        10_770_048,
        "LEAP's network as SLEAP generalises it (Pereira et al., 2022)",
    ),
    Network(
        "leap_cnn_published",
        "leap_cnn:LeapCNN.published",
        "leap_cnn",
        2_510_208,
        "LEAP's network as it was published (Pereira et al., 2019)",
    ),
    Network(
        "stacked_hourglass",
        "stacked_hourglass:StackedHourglass.from_config",
        "stacked_hourglass",
        65_981_952,
        "Stacked hourglass of single convolutions (Newell et al., 2017; Pereira et al., 2022)",
    ),
    Network(
        "stacked_hourglass_published",
        "stacked_hourglass:StackedHourglass.published",
        "stacked_hourglass",
        25_370_752,
        "Stacked hourglass of residual bottlenecks (Newell et al., 2016)",
    ),
    Network(
        "fc_densenet",
        "fc_densenet:FCDenseNet",
        "fc_densenet",
        9_319_264,
        "FC-DenseNet of any layout (Jegou et al., 2017)",
    ),
    *(
        Network(
            f"fc_densenet{depth}",
            "fc_densenet:FCDenseNet.published",
            "fc_densenet",
            parameters,
            f"FC-DenseNet of {depth} layers (Jegou et al., 2017)",
            (("depth", depth),),
        )
        for depth, parameters in ((56, 1_374_672), (67, 3_460_064), (103, 9_319_264))
    ),
)

ENTRIES = tuple(network.entry(BACKBONE) for network in NETWORKS)
