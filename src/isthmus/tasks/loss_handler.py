"""The loss of a model with auxiliary heads, and how it is logged."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from torch import Tensor, nn

from isthmus.errors import ArgumentError
from isthmus.models.base import ModelOutput
from isthmus.tasks.criteria import losses_by_name


class LossHandler:
    """Adds the losses of the auxiliary heads to the main one and logs them.

    Args:
        loss_prefix: what stands before every logged name, as in "train/".
    """

    def __init__(self, loss_prefix: str) -> None:
        self.loss_prefix = loss_prefix

    def compute_loss(
        self,
        model_output: ModelOutput,
        ground_truth: Any,
        criterion: nn.Module | Callable[..., Any],
        aux_loss_weights: Mapping[str, float] | None,
    ) -> dict[str, Tensor]:
        """The loss to back-propagate under "loss", and its parts under their names.

        Raises:
            ArgumentError: the heads of the model and the weights do not have the same names.
        """
        losses = losses_by_name(criterion(model_output.output, ground_truth))
        heads = model_output.auxiliary_heads or {}
        if not heads:
            return losses
        check_auxiliary_names(heads, aux_loss_weights)
        total = losses["loss"]
        for name, prediction in heads.items():
            loss = losses_by_name(criterion(prediction, ground_truth))["loss"]
            total = total + (aux_loss_weights or {})[name] * loss
            losses[name] = loss
        return {**losses, "loss": total}

    def log_loss(self, log: Callable[..., Any], loss_dict: Mapping[str, Tensor], batch_size: int) -> None:
        """Log the loss under `<prefix>loss` and every part under its name, all in the same way on every device."""
        for name, value in loss_dict.items():
            shown = {"prog_bar": True} if name == "loss" else {}
            log(f"{self.loss_prefix}{name}", value.detach(), sync_dist=True, batch_size=batch_size, **shown)


def check_auxiliary_names(heads: Collection[str], weights: Mapping[str, float] | None) -> None:
    """Check that there is a weight for every auxiliary head, and a head for every weight.

    Raises:
        ArgumentError: the names differ, or a head is called "loss".
    """
    if heads and weights is None:
        raise ArgumentError(f"the model has the auxiliary heads {sorted(heads)}; give each a weight in aux_loss")
    without_weight, without_head = set(heads) - set(weights or {}), set(weights or {}) - set(heads)
    if without_weight or without_head:
        raise ArgumentError(
            "the auxiliary heads of the model and aux_loss have different names: "
            f"heads without a weight: {sorted(without_weight)}; weights without a head: {sorted(without_head)}"
        )
    if "loss" in heads:
        raise ArgumentError("no auxiliary head can be called 'loss': that is the name of the sum")
