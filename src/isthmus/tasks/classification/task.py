"""Classification of whole images."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from isthmus.specs import Classes
from isthmus.tasks.class_task import ClassTask
from isthmus.tasks.classification.declaration import CLASSIFICATION, classes_of_images
from isthmus.tasks.classification.metrics import ClassificationMetrics
from isthmus.tasks.criteria import Loss


class ClassificationTask(ClassTask):
    """Gives every image one of K classes.

    A batch holds `image` `(B, C, H, W)` or `(B, C, T, H, W)`, `label` `(B,)` or `(B, 1)` with classes in `[0, K)` or
    `ignore_index`, and `filename`; whatever else it holds goes to the model as keywords. The model gives logits
    `(B, K)`.

    After each validation and test epoch `confusion` holds the confusion matrix of "val" and "test" (or
    "test/<name>"), int64 `(K, K)`, rows truth, columns prediction. Classes that neither truth nor prediction hold are
    left out of Accuracy, F1_Score, Precision and Recall, and have no scores of their own (NaN).

    For each batch `predict` gives a list of `(tensor, suffix)`, or one such pair where `output_on_inference` is no
    list, and the names of the images. The suffix is "pred" for classes `(B,)` int64, "logits" or "probabilities" for
    `(B, K)` float32. The command writes all images into one table, `predictions.csv`.

    Args:
        model_args: see `BaseTask`, as for all that is not listed here.
        model_factory: likewise.
        model: likewise.
        loss: the name of a loss of classes (`isthmus list losses`), such as "ce", "bce", "jaccard" or "focal"; a list
            of them (summed), a dict of them with weights or arguments, or a module, which is called with logits and
            labels as they are.
        class_weights: how much each class counts in the loss, one number a class.
        ignore_index: the label of images that count neither in losses nor in metrics; None where all count.
        num_classes: the number of classes, where neither `model_args` nor `class_names` say it.
        class_names: the classes, in the order of their labels; their numbers by default.
        output_on_inference: what predictions hold: "prediction" (the class), "probabilities", "logits", or a list of
            them; the first two by default.
        training: see `BaseTask`.

    Raises:
        ArgumentError: neither model nor factory is given, or an argument has no valid value.
    """

    kind = CLASSIFICATION

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
        output_on_inference: str | list[str] | None = None,
        **training: Any,
    ) -> None:
        if output_on_inference is None:
            output_on_inference = ["prediction", "probabilities"]
        super().__init__(dict(locals()), model_args, model_factory, model, **training)

    def describe(self, given: Mapping[str, Any]) -> Classes:
        """The classes of the images."""
        return classes_of_images(given)

    def make_metrics(self, split: str) -> ClassificationMetrics:  # noqa: ARG002
        """The metrics of a split, the same for all."""
        return ClassificationMetrics(self.class_names, self.ignore_index)
