"""A criterion from what a configuration says."""

from collections.abc import Mapping, Sequence
from typing import Any

from jaxtyping import Shaped
from torch import Tensor, nn

from isthmus.errors import ArgumentError
from isthmus.tasks.losses.choosing import SHARED, chosen_losses

Loss = str | list[str] | dict[str, float | dict[str, Any]] | nn.Module
"""A loss by name, several of them, summed, several with a weight or arguments each, or a module."""


class CombinedLoss(nn.Module):
    """Several losses and their weighted sum.

    Args:
        losses: the losses by name.
        weight: one number a loss, in the same order; None for a plain sum.

    Raises:
        ArgumentError: there is no loss, one is called "loss", or the numbers of losses and weights differ.
    """

    def __init__(self, losses: Mapping[str, nn.Module], weight: Sequence[float] | None = None) -> None:
        super().__init__()
        if not losses:
            raise ArgumentError("a combined loss needs at least one loss", argument="loss")
        if "loss" in losses:
            raise ArgumentError("no part of a combined loss can be called 'loss': that is the name of the sum")
        if weight is not None and len(weight) != len(losses):
            raise ArgumentError(f"{len(losses)} losses are combined with {len(weight)} weights")
        self.losses = nn.ModuleDict(losses)
        self.weight = [1.0] * len(losses) if weight is None else list(weight)

    def forward(self, prediction: Shaped[Tensor, "..."], target: Shaped[Tensor, "..."]) -> dict[str, Tensor]:
        """Each loss under its name, unweighted, and the weighted sum under "loss"."""
        parts = {name: loss(prediction, target) for name, loss in self.losses.items()}
        weighted = [weight * part for weight, part in zip(self.weight, parts.values(), strict=True)]
        return {**parts, "loss": sum(weighted[1:], start=weighted[0])}


def build_criterion(
    loss: Loss,
    compares: str,
    ignore_index: float | None = None,
    class_weights: Sequence[float] | None = None,
) -> nn.Module:
    """The criterion that a configuration asks for.

    Args:
        loss: a name, a list of names (summed), names with weights or with arguments, `{dice: {weight: 0.5, smooth: 1},
            ce: 1}`, or a module. A module is called with the prediction and the target as they are; leaving out ignored
            pixels is up to it.
        compares: what the task compares, which decides the losses that it takes; see `LossKind`.
        ignore_index: passed to each loss.
        class_weights: passed to each loss.

    Raises:
        ArgumentError: a name is not known or comes twice, or a loss does not take an argument.
    """
    if isinstance(loss, nn.Module):
        return loss
    chosen = chosen_losses(loss, compares, dict(zip(SHARED, (ignore_index, class_weights), strict=True)))
    built = {each.entry.name: each.entry.build(**each.arguments) for each in chosen}
    return built[loss] if isinstance(loss, str) else CombinedLoss(built, [each.weight for each in chosen])


def losses_by_name(loss: Tensor | Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a criterion gives as losses by name, the total under "loss"."""
    return {"loss": loss} if isinstance(loss, Tensor) else dict(loss)
