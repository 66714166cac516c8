"""The losses of Isthmus by name; without torch."""

from isthmus.registry.kinds import LossKind


def _loss(name: str, target: str, doc: str, *compares: str) -> LossKind:
    return LossKind(name, f"isthmus.tasks.{target}", facts={"doc": doc}, compares=compares)


ENTRIES: tuple[LossKind, ...] = (
    _loss("ce", "losses.classes:CrossEntropyLoss", "Cross-entropy, weighted by class", "classes"),
    _loss("dice", "losses.classes:DiceLoss", "One minus the soft Dice coefficient (Milletari et al. 2016)", "classes"),
    _loss("jaccard", "losses.classes:JaccardLoss", "One minus the soft Jaccard index", "classes"),
    _loss("focal", "losses.classes:FocalLoss", "One-against-all focal loss (Lin et al. 2017)", "classes"),
    _loss("lovasz", "losses.classes:LovaszLoss", "Lovász-Softmax (Berman et al. 2018)", "classes"),
    _loss("bce", "losses.classes:BinaryCrossEntropyLoss", "One-against-all binary cross-entropy", "classes"),
    _loss("mse", "losses.quantities:MeanSquaredError", "Mean squared error", "quantities", "confidence"),
    _loss("mae", "losses.quantities:MeanAbsoluteError", "Mean absolute error", "quantities"),
    _loss("rmse", "losses.quantities:RootMeanSquaredError", "Root of the mean squared error", "quantities"),
    _loss("huber", "losses.quantities:HuberLoss", "Squared near 0, absolute beyond (Huber 1964)", "quantities"),
    _loss(
        "balanced",
        "keypoints.losses:BalancedSquaredError",
        "Squared error in which points and the empty rest weigh alike",
        "confidence",
    ),
)
