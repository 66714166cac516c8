"""A task that goes another way from a batch to its losses."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from isthmus.tasks import SemanticSegmentationTask
from isthmus.tasks.base import Step


class FlipConsistencyTask(SemanticSegmentationTask):
    """Segmentation that is also punished where a mirrored image is given other classes.

    Everything else, what it logs and what to watch included, it has from the task that it is derived from.

    Args:
        model_args: see `SemanticSegmentationTask`, as for all that is not listed here.
        model_factory: likewise.
        model: likewise.
        consistency: what the mean squared difference of the probabilities weighs.
        arguments: see `SemanticSegmentationTask`.
    """

    def __init__(
        self,
        model_args: dict[str, Any] | None = None,
        model_factory: str | None = None,
        model: nn.Module | None = None,
        *,
        consistency: float = 1.0,
        **arguments: Any,
    ) -> None:
        super().__init__(model_args, model_factory, model, **arguments)
        self.save_hyperparameters({"consistency": consistency})
        self.consistency = consistency

    def objective(self, batch: Mapping[str, Any]) -> Step:
        """The losses of the segmentation, and the difference between an image and its mirror image."""
        step = super().objective(batch)
        images = batch["image"]
        seen, mirrored = (self(each).output.softmax(1) for each in (images, images.flip(-1)))
        difference = (seen - mirrored.flip(-1)).square().mean()
        total = step.losses["loss"] + self.consistency * difference
        return replace(step, losses={**step.losses, "consistency": difference, "loss": total})
