"""The metrics of a task with classes: one confusion matrix, from which the scores follow."""

from abc import abstractmethod
from collections.abc import Sequence

from jaxtyping import Int
from torch import Tensor

from isthmus.tasks.confusion import ConfusionMatrix
from isthmus.tasks.metrics import TaskMetrics


class ClassMetrics(TaskMetrics):
    """A confusion matrix and what is said of it.

    Args:
        class_names: the classes, in the order of their labels.
        ignore_index: the label of what does not count; None where all does.
    """

    def __init__(self, class_names: Sequence[str], ignore_index: int | None = None) -> None:
        super().__init__()
        self.class_names = list(class_names)
        self.ignore_index = ignore_index
        self.confusion = ConfusionMatrix(len(self.class_names), ignore_index)

    @abstractmethod
    def scores(self, matrix: Int[Tensor, "classes classes"]) -> dict[str, Tensor]:
        """Every score that follows from the matrix, by the name by which it is logged."""

    @property
    def update_called(self) -> bool:
        """Whether any batch was counted since the last reset."""
        return self.confusion.update_called

    def update(self, prediction: Int[Tensor, "..."], target: Tensor) -> None:
        """Count a batch of class maps `(B, H, W)`, or of the classes of images `(B,)`."""
        self.confusion.update(prediction, target)

    def compute(self) -> dict[str, Tensor]:
        """Every score by its name, over all batches and devices."""
        return self.scores(self.confusion.compute())

    def reset(self) -> None:
        """Forget every batch."""
        self.confusion.reset()
