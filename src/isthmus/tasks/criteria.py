"""A criterion from what a configuration says: a name, a list of names, names with weights, or a module."""

from collections.abc import Callable, Mapping, Sequence

from jaxtyping import Shaped
from torch import Tensor, nn

from isthmus.errors import ArgumentError, did_you_mean
from isthmus.tasks.losses.classes import CrossEntropyLoss, DiceLoss, FocalLoss, JaccardLoss, LovaszLoss

SEGMENTATION_LOSSES: dict[str, Callable[..., nn.Module]] = {
    "ce": CrossEntropyLoss,
    "dice": DiceLoss,
    "jaccard": JaccardLoss,
    "focal": FocalLoss,
    "lovasz": LovaszLoss,
}


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
            raise ArgumentError("a combined loss needs at least one loss")
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
    loss: str | list[str] | dict[str, float] | nn.Module,
    known: Mapping[str, Callable[..., nn.Module]],
    ignore_index: int | None = None,
    class_weights: Sequence[float] | None = None,
) -> nn.Module:
    """The criterion that a configuration asks for.

    Args:
        loss: a name, a list of names (summed), names with weights, or a module. A module is called with the prediction
            and the target as they are; leaving out ignored pixels is up to it.
        known: the losses that have a name.
        ignore_index: passed to each loss.
        class_weights: passed to each loss.

    Raises:
        ArgumentError: a name is not known, or comes twice.
    """
    if isinstance(loss, nn.Module):
        return loss
    if isinstance(loss, str):
        return _by_name(loss, known)(ignore_index=ignore_index, class_weights=class_weights)
    names = list(loss)
    if len(set(names)) != len(names):
        raise ArgumentError(f"a loss is named twice in {names}; give it a weight instead: {{name: 2.0}}")
    parts = {name: _by_name(name, known)(ignore_index=ignore_index, class_weights=class_weights) for name in names}
    return CombinedLoss(parts, list(loss.values()) if isinstance(loss, dict) else None)


def _by_name(name: str, known: Mapping[str, Callable[..., nn.Module]]) -> Callable[..., nn.Module]:
    if name not in known:
        hint = did_you_mean(name, known) or "."
        raise ArgumentError(f"no loss is called {name!r}{hint} The losses are: {', '.join(known)}")
    return known[name]
