"""Semantic segmentation."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from isthmus.specs import Classes
from isthmus.tasks.class_task import ClassTask
from isthmus.tasks.classes import classes_of
from isthmus.tasks.criteria import Loss
from isthmus.tasks.segmentation.declaration import SEGMENTATION
from isthmus.tasks.segmentation.metrics import SegmentationMetrics


class SemanticSegmentationTask(ClassTask):
    """Gives every pixel one of K classes.

    A batch holds `image` `(B, C, H, W)` or `(B, C, T, H, W)`, `mask` `(B, H, W)` or `(B, 1, H, W)` with labels in
    `[0, K)` or `ignore_index`, and `filename`; whatever else it holds goes to the model as keywords. The model gives
    logits `(B, K, H, W)`.

    After each validation and test epoch `confusion` holds the confusion matrix of "val" and "test" (or
    "test/<name>"), int64 `(K, K)`, rows truth, columns prediction. Classes that neither truth nor prediction hold are
    left out of mIoU, F1_Score and Accuracy, and have no scores of their own (NaN). Boundary_mIoU is computed for
    validation and test.

    For each batch `predict` gives `((tensor, suffix), filenames)`, or a list of such pairs where `output_on_inference`
    is a list. The suffix is "pred" for class maps `(B, H, W)` int64, "logits" or "probabilities" for `(B, K, H, W)`
    float32.

    Args:
        model_args: see `BaseTask`, as for all that is not listed here.
        model_factory: likewise.
        model: likewise.
        loss: the name of a loss of classes (`isthmus list losses`), such as "ce" or "dice"; a list of them (summed), a
            dict of them with weights or arguments, or a module, which is called with logits and mask as they are.
        class_weights: how much each class counts in the loss, one number a class.
        ignore_index: the label of pixels that count neither in losses nor in metrics; None where all count.
        num_classes: the number of classes, where neither `model_args` nor `class_names` say it.
        class_names: the classes, in the order of their labels; their numbers by default.
        class_colors: a colour for each class, `#rrggbb` or (red, green, blue), for maps and pictures.
        output_on_inference: what predictions hold, "prediction" (the class), "logits" or "probabilities", or a list
            of them.
        training: see `BaseTask`.

    Raises:
        ArgumentError: neither model nor factory is given, or an argument has no valid value.
    """

    kind = SEGMENTATION

    def __init__(
        self,
        model_args: dict[str, Any] | None = None,
        model_factory: str | None = None,
        model: nn.Module | None = None,
        loss: Loss = "ce",
        *,
        class_weights: list[float] | None = None,
        ignore_index: int | None = None,
        num_classes: int | None = None,
        class_names: list[str] | None = None,
        class_colors: list[str | list[int]] | None = None,
        output_on_inference: str | list[str] = "prediction",
        **training: Any,
    ) -> None:
        super().__init__(dict(locals()), model_args, model_factory, model, **training)

    @property
    def class_colors(self) -> list[tuple[int, int, int]] | None:
        """A colour a class; None for the usual ones."""
        return None if self.output_spec.colours is None else list(self.output_spec.colours)

    def describe(self, given: Mapping[str, Any]) -> Classes:
        """The classes of the pixels."""
        return classes_of(given)

    def make_metrics(self, split: str) -> SegmentationMetrics:
        """The metrics of a split; training goes without the boundary score, which would slow it."""
        return SegmentationMetrics(self.class_names, self.ignore_index, boundary=split != "train")
