"""Loading a trained SLEAP model (Pereira et al., 2022) into the network it was trained as."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from isthmus.blocks.encoder_decoder import EncoderDecoder
from isthmus.blocks.leap_cnn import LeapCNN
from isthmus.blocks.stacked_hourglass import StackedHourglass
from isthmus.blocks.unet import UNet
from isthmus.errors import ArgumentError, CompositionError, WeightsError
from isthmus.weights.loading import load_weights
from isthmus.weights.report import WeightsReport
from isthmus.weights.sleap.hdf5 import read_keras
from isthmus.weights.sleap.names import KerasWeight, backbone_weights
from isthmus.weights.sleap.network import SleapNetwork, network_weights
from isthmus.weights.sleap.settings import SleapSettings, read_settings

NETWORKS: dict[str, Callable[..., EncoderDecoder]] = {
    "unet": UNet.from_config,
    "leap": LeapCNN.from_config,
    "hourglass": StackedHourglass.from_config,
}


@dataclass(frozen=True)
class SleapModel:
    """A trained SLEAP model.

    Attributes:
        network: the network, in evaluation mode: images `(batch, channels, height, width)` with values between 0 and
            1, scaled by `settings.input_scaling`, to maps by the name of their head. Images whose size is no multiple
            of the largest stride are filled up with zeros, and the maps cropped.
        settings: what its channels stand for, and how it was trained.
        report: what became of every weight of the file.
    """

    network: SleapNetwork
    settings: SleapSettings
    report: WeightsReport


def load_sleap(path: str | Path) -> SleapModel:
    """Load a trained SLEAP model: every weight of the file finds its place, or an error is raised.

    Args:
        path: the folder of the model, with `best_model.h5` and `training_config.json`.

    Raises:
        MissingExtraError: h5py is not installed.
        WeightsError: a file is not there, is damaged, was written by another version or describes a network that
            cannot be built (those that can: U-Net, LEAP, hourglass); or the two do not belong together.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise WeightsError(f"{folder} is no folder; one with best_model.h5 and training_config.json was expected")
    settings = read_settings(folder / "training_config.json")
    file = folder / "best_model.h5"
    held = read_keras(file)
    try:
        network = _network(settings, held)
    except (ArgumentError, CompositionError) as error:
        raise WeightsError(f"{folder / 'training_config.json'} describes no network: {error}") from error
    names = network_weights(network, [weight.layer for weight in held])
    _check_complete(names, held, file)
    report = load_weights(network, {own: held[name] for own, name in names.items()}, str(file))
    return SleapModel(network.eval(), settings, report)


def _network(settings: SleapSettings, held: Mapping[KerasWeight, Tensor]) -> SleapNetwork:
    def built(in_channels: int) -> EncoderDecoder:
        return NETWORKS[settings.architecture](in_channels, pad=True, **settings.backbone)

    with torch.device("meta"):  # the channels of the images are written in no setting, but the first kernel knows them
        first = next(iter(backbone_weights(built(1)).values()))
    in_channels = held[first].shape[1] if first in held else 1
    return SleapNetwork(built(in_channels), settings.outputs.heads, _flattened(held))


def _flattened(held: Mapping[KerasWeight, Tensor]) -> int:
    """How many numbers the first dense layer sees; 0 where there is none."""
    for layer in ("pre_classification0_fc", "ClassVectorsHead", "ClassVectorsHead_0"):
        if (kernel := held.get(KerasWeight(layer, "kernel"))) is not None:
            return kernel.shape[1]
    return 0


def _check_complete(names: Mapping[str, KerasWeight], held: Mapping[KerasWeight, Tensor], file: Path) -> None:
    expected = set(names.values())
    missing = [_listed(name) for name in names.values() if name not in held]
    left_over = [_listed(name) for name in held if name not in expected]
    for what, which in (("lacks", missing), ("has no use for", left_over)):
        if which:
            more = f" and {len(which) - 3} more" if len(which) > 3 else ""
            raise WeightsError(
                f"{file} does not belong to the training_config.json beside it: the network that this describes "
                f"{what} {', '.join(which[:3])}{more}"
            )


def _listed(name: KerasWeight) -> str:
    return f"{name.layer}/{name.weight}"
