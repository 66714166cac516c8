"""The metrics of a classification."""

from jaxtyping import Int
from torch import Tensor

from isthmus.tasks.class_metrics import ClassMetrics
from isthmus.tasks.classification.declaration import OF_A_CLASS, OVERALL
from isthmus.tasks.confusion import class_ratios, share_right


class ClassificationMetrics(ClassMetrics):
    """The scores of the classes of images, all of them from one confusion matrix.

    Accuracy, which is the same as Recall, F1_Score and Precision are means over the classes that have a score (see
    `ClassRatios`); Accuracy_Micro counts images regardless of their class. All are NaN where no image counted.
    """

    def scores(self, matrix: Int[Tensor, "classes classes"]) -> dict[str, Tensor]:
        """Every score under the name by which it is logged: those over all classes, then those of each class."""
        ratios = class_ratios(matrix, self.ignore_index)
        recall, f1, precision = (score.nanmean() for score in (ratios.recall, ratios.f1, ratios.precision))
        scores = dict(zip(OVERALL, (recall, share_right(matrix), f1, precision, recall), strict=True))
        for kind, values in zip(OF_A_CLASS, (ratios.recall, ratios.f1), strict=True):
            scores |= {f"{kind}_{name}": value for name, value in zip(self.class_names, values, strict=True)}
        return scores
