"""Saving adapters in folders of their own, in the format of the package `peft`."""

import json
from pathlib import Path
from typing import Any

from torch import nn

from isthmus.atomic import atomic_path, write_text
from isthmus.models.adapters.adapted_encoder import AdaptedEncoder
from isthmus.models.adapters.base_weights import Samples, original_name, sample
from isthmus.models.adapters.switching import require_adapted, require_adapter
from isthmus.weights.report import WeightsReport

WEIGHTS, SETTINGS, OWN = "adapter_model.safetensors", "adapter_config.json", "isthmus_adapter.json"


def save_adapter(model: nn.Module, folder: str | Path, name: str | None = None) -> None:
    """Save an adapter of the encoder, without the encoder and without what comes behind it.

    The folder holds `adapter_model.safetensors` and `adapter_config.json` as `peft` writes and reads them, and
    `isthmus_adapter.json` with what Isthmus adds: which layers were taken apart, and some values of the encoder, by
    which `load_adapter` makes sure that the adapter comes to the encoder that it was trained on.

    Args:
        model: an adapted encoder, or a model or a task with one.
        folder: where to; it is made.
        name: the adapter; that in use where None.

    Raises:
        ArgumentError: there is no such adapter.
    """
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    encoder = require_adapted(model)
    name = name or encoder.active_adapter
    require_adapter(encoder, name)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    state = get_peft_model_state_dict(encoder, adapter_name=name, save_embedding_layers=False)
    parameters = dict(encoder.named_parameters())
    state |= {key: parameters[key] for key in encoder.trained_of_encoder() if key not in state}
    with atomic_path(folder / WEIGHTS) as temporary:
        save_file({key: tensor.detach().cpu().contiguous().clone() for key, tensor in state.items()}, temporary)
    settings = encoder.peft_config[name].to_dict()
    write_text(folder / SETTINGS, json.dumps({**settings, "inference_mode": True}, indent=2, default=_plain) + "\n")
    own = {"replace_qkv": encoder.replace_qkv, "base": source_of(encoder), "samples": base_samples(encoder)}
    write_text(folder / OWN, json.dumps(own, indent=1) + "\n")


def source_of(encoder: AdaptedEncoder) -> str:
    """Where the weights under the adapters came from, as far as that is known."""
    report = getattr(encoder.wrapped, "weights_report", None)
    return report.source if isinstance(report, WeightsReport) else ""


def base_samples(encoder: AdaptedEncoder) -> Samples:
    """Some values of every tensor under the adapters, by its name in the encoder."""
    state = encoder.state_dict()
    return sample({original_name(key): state[key] for key in encoder.base_keys()})


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, set | frozenset) else getattr(value, "value", str(value))
