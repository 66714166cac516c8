"""Adapters in folders of their own, in the format of the package `peft`."""

import json
from pathlib import Path
from typing import Any

from torch import nn

from isthmus.atomic import atomic_path, write_text
from isthmus.errors import ArgumentError, WeightsError
from isthmus.models.adapters.adapted_encoder import DEFAULT, AdaptedEncoder, adapted_encoder, explained
from isthmus.models.adapters.base_weights import Samples, check_same, original_name, sample
from isthmus.models.adapters.methods import require_peft
from isthmus.models.adapters.switching import require_adapted, require_adapter, use_adapter
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


def load_adapter(model: nn.Module, folder: str | Path, name: str = DEFAULT) -> None:
    """Load an adapter into the encoder of a model, beside those that are there, and use it.

    Args:
        model: an adapted encoder, or a model whose `encoder` is adapted or plain; a plain one is adapted.
        folder: what `save_adapter` or `peft` has written.
        name: what the adapter is to be called. One that is there already is overwritten.

    Raises:
        WeightsError: the folder holds no adapter, or one that was trained on another encoder.
        ArgumentError: the model has no encoder, or its adapters are of another method.
    """
    require_peft()
    from peft import PeftConfig, set_peft_model_state_dict
    from safetensors.torch import load_file

    folder = Path(folder)
    for file in (WEIGHTS, SETTINGS):
        if not (folder / file).is_file():
            raise WeightsError(f"{folder} holds no adapter: there is no {file}")
    own = json.loads((folder / OWN).read_text(encoding="utf-8")) if (folder / OWN).is_file() else {}
    settings = PeftConfig.from_pretrained(str(folder))
    settings.inference_mode = False
    encoder = _with_adapter(model, settings, own.get("replace_qkv"), name)
    _check_base(encoder, own, folder)
    with explained(settings):
        result = set_peft_model_state_dict(encoder, load_file(folder / WEIGHTS), adapter_name=name)
    if result.unexpected_keys:
        raise WeightsError(
            f"{folder / WEIGHTS} has entries that the encoder has no place for: {result.unexpected_keys[0]}"
        )
    use_adapter(encoder, name)


def source_of(encoder: AdaptedEncoder) -> str:
    """Where the weights under the adapters came from, as far as that is known."""
    report = getattr(encoder.wrapped, "weights_report", None)
    return report.source if isinstance(report, WeightsReport) else ""


def base_samples(encoder: AdaptedEncoder) -> Samples:
    """Some values of every tensor under the adapters, by its name in the encoder."""
    state = encoder.state_dict()
    return sample({original_name(key): state[key] for key in encoder.base_keys()})


def _with_adapter(model: nn.Module, settings: Any, replace_qkv: str | None, name: str) -> AdaptedEncoder:
    """The adapted encoder of a model, with a new adapter in it."""
    encoder = adapted_encoder(model)
    if encoder is None:
        return _adapt(model, settings, replace_qkv, name)
    if encoder.replace_qkv != replace_qkv:
        raise ArgumentError(
            f"the adapter was made with replace_qkv {replace_qkv!r}, but the encoder has {encoder.replace_qkv!r}"
        )
    if name not in encoder.adapters:
        known = encoder.peft_config[encoder.active_adapter].peft_type
        if settings.peft_type != known:
            raise ArgumentError(f"the adapter is of the method {settings.peft_type}, but the encoder has {known}")
        with explained(settings):
            encoder.tuner.peft_config[name] = settings
            encoder.tuner.inject_adapter(encoder.wrapped, name)
    return encoder


def _adapt(model: nn.Module, settings: Any, replace_qkv: str | None, name: str) -> AdaptedEncoder:
    plain = getattr(model, "encoder", None)
    if not isinstance(plain, nn.Module):
        raise ArgumentError(
            f"{type(model).__name__} has no encoder to put an adapter into; give a model with an `encoder`, or "
            "AdaptedEncoder(encoder, ...)"
        )
    described = {"replace_qkv": replace_qkv, "peft_config_kwargs": settings}
    adapted = AdaptedEncoder(plain, described, adapter=name).train(plain.training)
    model.encoder = adapted
    return adapted


def _check_base(encoder: AdaptedEncoder, own: dict[str, Any], folder: Path) -> None:
    if own.get("samples"):
        check_same(own["samples"], base_samples(encoder), str(folder), own.get("base", ""))


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, set | frozenset) else getattr(value, "value", str(value))
