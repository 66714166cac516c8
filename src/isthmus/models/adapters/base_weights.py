"""The weights under the adapters: which they are, and whether those of another encoder are the same."""

from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn

from isthmus.errors import WeightsError

PREFIX = "base_model.model."
Samples = dict[str, list[float]]
"""Some values of each tensor, by its name."""

_COUNT = 4
_TOLERANCE = 1e-2  # half precision keeps two to three digits


def original_name(key: str) -> str:
    """What an entry under adapters was called before they came: `blocks.0.attn.qkv.weight`."""
    name = key.removeprefix(PREFIX)
    for inserted in (".base_layer.", ".original_module."):
        name = name.replace(inserted, ".")
    return name


def base_keys(module: nn.Module, names: Collection[str]) -> list[str]:
    """The entries of the state of an adapted encoder that stay as they are while the adapters are trained.

    Args:
        module: the adapted encoder.
        names: what the entries of the encoder were called before it was adapted.
    """
    trained = {name for name, parameter in module.named_parameters() if parameter.requires_grad}
    return [key for key in module.state_dict() if key not in trained and original_name(key) in names]


def sample(state: Mapping[str, Tensor]) -> Samples:
    """A few values of every tensor, by which it is told from another; none for tensors on the meta device."""
    samples: Samples = {}
    for name, tensor in state.items():
        if tensor.is_meta or not tensor.numel():
            continue
        places = torch.linspace(0, tensor.numel() - 1, min(_COUNT, tensor.numel())).long()
        values = tensor.detach().flatten()[places.to(tensor.device)]
        samples[name] = values.cpu().double().tolist()
    return samples


def differences(expected: Samples, found: Samples) -> list[str]:
    """The names under which other values were found than expected, within what half precision loses."""
    return [name for name, values in expected.items() if name not in found or not _close(values, found[name])]


def check_same(expected: Samples, found: Samples, what: str, source: str) -> None:
    """Refuse an encoder whose weights are not those that adapters were trained on.

    Raises:
        WeightsError: they differ.
    """
    wrong = differences(expected, found)
    if wrong:
        raise WeightsError(
            f"{what} holds adapters without the weights under them, which came from {source or 'elsewhere'}; those of "
            f"this encoder are others ({len(wrong)} of {len(expected)} tensors, the first: {wrong[0]}). Build it with "
            "the same pretrained weights"
        )


def _close(one: list[float], other: list[float]) -> bool:
    scale = max(map(abs, one), default=0.0)
    return len(one) == len(other) and all(abs(a - b) <= _TOLERANCE * scale for a, b in zip(one, other, strict=True))
