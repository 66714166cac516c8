"""Checkpoints of a training with adapters: without the weights under them, where those can be had again."""

from typing import Any

from torch import nn

from isthmus.errors import WeightsError
from isthmus.models.adapters.adapted_encoder import AdaptedEncoder
from isthmus.models.adapters.base_weights import check_same
from isthmus.models.adapters.files import base_samples, source_of

KEY = "weights_under_adapters"


def leave_out_base(task: nn.Module, checkpoint: dict[str, Any]) -> bool:
    """Take the frozen weights of an adapted encoder out of a checkpoint, if they are published.

    What stays is some values of each, by which the same weights are known again.

    Returns:
        Whether they were left out. Random weights never are: nothing else holds them.
    """
    path, encoder = _find(task)
    if encoder is None or not encoder.base_is_published:
        return False
    for key in encoder.base_keys():
        del checkpoint["state_dict"][path + key]
    checkpoint[KEY] = {"source": source_of(encoder), "samples": base_samples(encoder)}
    return True


def put_base_back(task: nn.Module, checkpoint: dict[str, Any]) -> None:
    """Complete a checkpoint that holds adapters alone by the weights that the encoder was built with.

    Raises:
        WeightsError: the encoder has no adapters, or other weights than those that the adapters were trained on.
    """
    if KEY not in checkpoint:
        return
    path, encoder = _find(task)
    if encoder is None:
        raise WeightsError(
            "the checkpoint holds adapters without the weights under them, but the model has no adapters; build it "
            "with the peft_config of the training"
        )
    stored = checkpoint[KEY]
    check_same(stored["samples"], base_samples(encoder), "the checkpoint", stored["source"])
    own = encoder.state_dict()
    checkpoint["state_dict"] |= {path + key: own[key] for key in encoder.base_keys()}


def _find(task: nn.Module) -> tuple[str, AdaptedEncoder | None]:
    """The adapted encoder of a task, and what its entries in the state of the task begin with."""
    for name, part in task.named_modules():
        if isinstance(part, AdaptedEncoder):
            return f"{name}.", part
    return "", None
