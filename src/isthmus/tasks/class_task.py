"""What the tasks with classes share: their names, and the confusion matrix of every split."""

from functools import cached_property

from torch import Tensor

from isthmus.specs import Classes
from isthmus.tasks.base import BaseTask
from isthmus.tasks.class_metrics import ClassMetrics
from isthmus.tasks.metrics import TaskMetrics


class ClassTask(BaseTask):
    """A task that gives every pixel, or every image, one of K classes."""

    output_spec: Classes
    ignore_index: int | None

    @cached_property
    def confusion(self) -> dict[str, Tensor]:
        """The confusion matrix of "val" and "test" (or "test/<name>") after each epoch of it.

        It is int64 `(K, K)`, rows truth, columns prediction.
        """
        return {}

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return self.output_spec.channels

    @property
    def class_names(self) -> list[str]:
        """The classes, in the order of their labels."""
        return list(self.output_spec.names)

    def keep(self, split: str, metrics: TaskMetrics) -> None:
        """Keep the confusion matrix of validation and test."""
        if split != "train" and isinstance(metrics, ClassMetrics):
            self.confusion[split] = metrics.confusion.compute().cpu().clone()
