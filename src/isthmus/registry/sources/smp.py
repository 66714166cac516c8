"""The encoders and decoders of segmentation-models-pytorch, by name, without importing it."""

import functools
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass

from isthmus.registry.entry import Entry
from isthmus.registry.sources.static_scan import CHANNEL_LIST, package_folder
from isthmus.signatures import Signature, static_signature
from isthmus.specs.features import Pyramid

PACKAGE = "segmentation_models_pytorch"
ENCODER = "isthmus.models.backbones.smp_features:smp_features"
DECODER = "isthmus.models.decoders.smp_decoders:SmpDecoder"


FROM_THE_ENCODER = frozenset({"encoder_depth", "in_channels"})

_ENCODER = re.compile(rb'\n    "((?!timm-)[^"]+)": \{\s*"encoder":')


@dataclass(frozen=True)
class Architecture:
    """An architecture of smp, as far as its decoder goes.

    Attributes:
        decoder: where its decoder is, as `module:class` below `segmentation_models_pytorch.decoders`.
        width: the argument that holds the channels of the output; empty where it is no argument.
        least_features: how many features it needs at least.
        pyramid: whether the features must get coarser.
    """

    decoder: str
    width: str = "decoder_channels"
    least_features: int = 1
    pyramid: Pyramid = Pyramid.REQUIRED


ARCHITECTURES = {
    "Unet": Architecture("unet.decoder:UnetDecoder", least_features=2, pyramid=Pyramid.PREFERRED),
    "UnetPlusPlus": Architecture("unetplusplus.decoder:UnetPlusPlusDecoder", least_features=3),
    "MAnet": Architecture("manet.decoder:MAnetDecoder", least_features=2),
    "Linknet": Architecture("linknet.decoder:LinknetDecoder", "", least_features=2),
    "FPN": Architecture("fpn.decoder:FPNDecoder", "decoder_segmentation_channels", least_features=4),
    "PSPNet": Architecture("pspnet.decoder:PSPDecoder", "psp_out_channels", pyramid=Pyramid.NONE),
    "DeepLabV3": Architecture("deeplabv3.decoder:DeepLabV3Decoder", pyramid=Pyramid.NONE),
    "DeepLabV3Plus": Architecture(
        "deeplabv3.decoder:DeepLabV3PlusDecoder", least_features=4, pyramid=Pyramid.PREFERRED
    ),
    "PAN": Architecture("pan.decoder:PANDecoder", least_features=4, pyramid=Pyramid.PREFERRED),
    "UPerNet": Architecture("upernet.decoder:UPerNetDecoder", least_features=4, pyramid=Pyramid.PREFERRED),
    "Segformer": Architecture(
        "segformer.decoder:SegformerDecoder",
        "decoder_segmentation_channels",
        least_features=4,
        pyramid=Pyramid.PREFERRED,
    ),
    "DPT": Architecture("dpt.decoder:DPTDecoder", "decoder_fusion_channels", pyramid=Pyramid.NONE),
}


@dataclass(frozen=True)
class SmpDecoderEntry(Entry):
    """An architecture of smp, whose arguments are those of its class that concern the decoder."""

    def signature(self) -> Signature:
        """The channels of the features, and the arguments of the architecture that concern the decoder."""
        return Signature((CHANNEL_LIST, *decoder_signature(self.name).parameters))


def scan_encoders() -> Iterator[Entry]:
    """The encoders that smp itself defines.

    Those that it takes over from timm (`timm-...`, which smp calls deprecated, and `tu-...`) are timm backbones here.
    """
    folder = package_folder(PACKAGE)
    for file in sorted((folder / "encoders").glob("[!_]*.py")) if folder else ():
        for name in _ENCODER.findall(file.read_bytes()):
            yield Entry(name.decode(), ENCODER, {"name": name.decode()}, {"family": file.stem, "source": PACKAGE})


def scan_decoders() -> Iterator[Entry]:
    """The architectures whose decoders can be built here, where smp is installed."""
    for name in ARCHITECTURES if package_folder(PACKAGE) else ():
        yield SmpDecoderEntry(name, DECODER, {"architecture": name}, {"source": PACKAGE})


@functools.cache
def decoder_signature(architecture: str) -> Signature:
    """The arguments of an architecture that concern its decoder, with smp's names and defaults.

    Everything about the encoder, the head and the classes is left out, because other parts of the model decide it;
    but for the strides of the features, where the decoder must know them.
    """
    described = ARCHITECTURES[architecture]
    family, _, _ = described.decoder.partition(".")
    whole = static_signature(f"{PACKAGE}.decoders.{family}.model:{architecture}") or Signature(())
    decoder = static_signature(f"{PACKAGE}.decoders.{described.decoder}") or Signature(())
    kept = [parameter for parameter in whole.parameters if decoder_argument(parameter.name, decoder.names)]
    kept += [parameter for parameter in decoder.parameters if parameter.name == "encoder_output_strides"]
    return Signature(tuple(parameter for parameter in kept if parameter.name not in FROM_THE_ENCODER))


def decoder_argument(name: str, accepted: Container[str]) -> str | None:
    """What an argument of an architecture is called at its decoder; None where it does not concern the decoder."""
    bare = name.removeprefix("decoder_").removeprefix("psp_").removeprefix("encoder_")
    candidates = (name, bare, f"{bare}_mode", f"out_{bare}")
    return next((candidate for candidate in candidates if candidate in accepted), None)
