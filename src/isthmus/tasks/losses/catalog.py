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
    _loss(
        "balanced",
        "keypoints.losses:BalancedSquaredError",
        "Squared error in which points and the empty rest weigh alike",
        "confidence",
    ),
)
