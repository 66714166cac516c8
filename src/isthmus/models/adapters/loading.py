"""Loading adapters from folders: whole, into the encoder that they were trained on, or not at all."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from isthmus.errors import ArgumentError, WeightsError
from isthmus.models.adapters.adapted_encoder import DEFAULT, AdaptedEncoder, adapted_encoder, explained
from isthmus.models.adapters.base_weights import check_same
from isthmus.models.adapters.files import OWN, SETTINGS, WEIGHTS, base_samples
from isthmus.models.adapters.methods import require_peft
from isthmus.models.adapters.switching import use_adapter
from isthmus.weights.json_table import read_json_table
from isthmus.weights.loading import check_finite
from isthmus.weights.reading import read_checkpoint

ABOUT = "the description of an adapter"


def load_adapter(model: nn.Module, folder: str | Path, name: str = DEFAULT) -> None:
    """Load an adapter into the encoder of a model, beside those that are there, and use it.

    Where something is wrong, the model is left as it is.

    Args:
        model: an adapted encoder, or a model whose `encoder` is adapted or plain; a plain one is adapted.
        folder: what `save_adapter` or `peft` has written.
        name: what the adapter is to be called. One that is there already is overwritten.

    Raises:
        WeightsError: the folder holds no adapter, a damaged one, or one that was trained on another encoder.
        ArgumentError: the model has no encoder, or its adapters are of another method.
    """
    require_peft()
    folder = Path(folder)
    for file in (WEIGHTS, SETTINGS):
        if not (folder / file).is_file():
            raise WeightsError(f"{folder} holds no adapter: there is no {file}")
    own = read_json_table(folder / OWN, ABOUT) if (folder / OWN).is_file() else {}
    entries = read_checkpoint(folder / WEIGHTS)
    check_finite(entries, str(folder / WEIGHTS))
    host = _encoder_of(model)
    settings = _peft_settings(folder)
    rehearsal = _with_adapter(_alias(host), copy.deepcopy(settings), own.get("replace_qkv"), name)
    if own.get("samples"):
        check_same(own["samples"], base_samples(rehearsal), str(folder), own.get("base", ""))
    _fill(rehearsal, entries, name, folder / WEIGHTS)
    encoder = _with_adapter(host, settings, own.get("replace_qkv"), name)
    _fill(encoder, entries, name, folder / WEIGHTS)
    use_adapter(encoder, name)
    if encoder is not host:
        model.encoder = encoder


def _peft_settings(folder: Path) -> Any:
    """The configuration object of `peft` in a folder, for further training."""
    from peft import PeftConfig

    if "peft_type" not in read_json_table(folder / SETTINGS, ABOUT):
        raise WeightsError(f"{folder / SETTINGS} is not {ABOUT}: there is no peft_type")
    try:
        settings = PeftConfig.from_pretrained(str(folder))
    except (ValueError, TypeError, KeyError) as error:
        raise WeightsError(f"{folder / SETTINGS} is not {ABOUT}: {error}") from error
    settings.inference_mode = False
    return settings


def _encoder_of(model: nn.Module) -> nn.Module:
    """The adapted encoder in a model, else its plain one."""
    found = adapted_encoder(model) or getattr(model, "encoder", None)
    if not isinstance(found, nn.Module):
        raise ArgumentError(
            f"{type(model).__name__} has no encoder to put an adapter into; give a model with an `encoder`, or "
            "AdaptedEncoder(encoder, ...)"
        )
    return found


def _alias(encoder: nn.Module) -> nn.Module:
    """A copy of an encoder that shares the memory of its frozen weights, to try something on."""
    state = encoder.state_dict(keep_vars=True)
    shared = [state[key] for key in encoder.base_keys()] if isinstance(encoder, AdaptedEncoder) else state.values()
    memo: dict[int, Any] = {}
    for tensor in shared:
        values = tensor.detach()
        is_parameter = isinstance(tensor, nn.Parameter)
        memo[id(tensor)] = nn.Parameter(values, requires_grad=tensor.requires_grad) if is_parameter else values
    return copy.deepcopy(encoder, memo)


def _with_adapter(encoder: nn.Module, settings: Any, replace_qkv: str | None, name: str) -> AdaptedEncoder:
    """An encoder with a new adapter in it."""
    if not isinstance(encoder, AdaptedEncoder):
        described = {"replace_qkv": replace_qkv, "peft_config_kwargs": settings}
        return AdaptedEncoder(encoder, described, adapter=name).train(encoder.training)
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


def _fill(encoder: AdaptedEncoder, entries: Mapping[str, Tensor], name: str, path: Path) -> None:
    """Put the values of an adapter into its place."""
    from peft import get_peft_model_state_dict, set_peft_model_state_dict

    wanted = get_peft_model_state_dict(encoder, adapter_name=name, save_embedding_layers=False)
    lacking = [key for key in wanted if key not in entries]
    if lacking:
        raise WeightsError(f"{path} lacks {lacking[0]}" + (f" and {len(lacking) - 1} more" if lacking[1:] else ""))
    try:
        result = set_peft_model_state_dict(encoder, dict(entries), adapter_name=name)
    except (RuntimeError, ValueError, KeyError) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise WeightsError(f"{path} does not fit the encoder: {said[-1].strip()}") from error
    if result.unexpected_keys:
        raise WeightsError(f"{path} has entries that the encoder has no place for: {result.unexpected_keys[0]}")
