"""Reading the weights of a Keras model from its HDF5 file: numbers alone, nothing that could run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from isthmus.errors import MissingExtraError, WeightsError
from isthmus.weights.sleap.names import KerasWeight


def read_keras(path: Path) -> dict[KerasWeight, Tensor]:
    """Read the weights of a Keras model (`.h5`), laid out as PyTorch has them.

    A file of `model.save` and one of `model.save_weights` are both read. Kernels are `(out, in, height, width)`,
    those of transposed convolutions `(in, out, height, width)` and those of dense layers `(out, in)`.

    Raises:
        MissingExtraError: h5py is not installed.
        WeightsError: the file is not there, damaged, no HDF5 file, or holds no weights of Keras layers.
    """
    if not path.is_file():
        raise WeightsError(f"{path} does not exist; the weights of a trained SLEAP model were expected there")
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("h5py", "sleap") from error
    try:
        with h5py.File(path, "r") as file:
            layers = file.get("model_weights", file)
            weights = {name: laid_out(torch.from_numpy(values)) for name, values in _weights_of(layers)}
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path} is damaged or no HDF5 file of Keras: {str(error).splitlines()[0]}") from error
    if not weights:
        raise WeightsError(f"{path} holds no weights of Keras layers; the best_model.h5 of a SLEAP model was expected")
    return weights


def _weights_of(layers: Any) -> Iterator[tuple[KerasWeight, Any]]:
    for layer, group in layers.items():
        for name in group.attrs.get("weight_names", ()):
            full = name.decode() if isinstance(name, bytes) else str(name)
            yield KerasWeight(layer, full.rsplit("/", 1)[-1].split(":")[0]), group[full][()].astype("float32")


def laid_out(values: Float[Tensor, "*keras"]) -> Float[Tensor, "*own"]:
    """A weight as PyTorch lays it out: what is last in Keras, the outgoing channels, first."""
    if values.ndim == 4:
        return values.permute(3, 2, 0, 1).contiguous()
    return values.T.contiguous() if values.ndim == 2 else values
