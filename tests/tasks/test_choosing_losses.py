"""Which losses a task takes, with which arguments."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from isthmus.errors import ArgumentError
from isthmus.registry import LOSS_REGISTRY
from isthmus.registry.kinds import LossKind
from isthmus.tasks import DiceLoss
from isthmus.tasks.criteria import build_criterion
from isthmus.tasks.declaring import declared_for
from isthmus.tasks.losses.choosing import chosen_losses

LOGITS = torch.randn(2, 3, 4, 5, generator=torch.manual_seed(0))
LABELS = torch.randint(0, 3, (2, 4, 5), generator=torch.manual_seed(1))


def test_losses_may_have_arguments_beside_weights():
    built = build_criterion({"dice": {"weight": 0.5, "smooth": 1}, "ce": 1, "focal": {"gamma": 1.0}}, "classes", 2)
    assert built.weight == [0.5, 1, 1.0]
    dice, ce, focal = built.losses.values()
    assert (dice.smooth, dice.ignore_index, ce.ignore_index, focal.gamma) == (1, 2, 2, 1.0)
    losses = built(LOGITS, LABELS)
    total = 0.5 * DiceLoss(2, smooth=1)(LOGITS, LABELS) + losses["ce"] + losses["focal"]
    torch.testing.assert_close(losses["loss"], total)


def test_smoothing_by_hand():
    # equal logits for 2 classes, 3 of 4 pixels in class 0: overlap 1.5 and 0.5, sizes 2 and 3, 2 and 1
    target, logits = torch.tensor([[[0, 0], [0, 1]]]), torch.zeros(1, 2, 2, 2)
    dice = 1 - ((3 + 1) / (5 + 1) + (1 + 1) / (3 + 1)) / 2
    jaccard = 1 - ((1.5 + 1) / (3.5 + 1) + (0.5 + 1) / (2.5 + 1)) / 2
    for name, expected in {"dice": dice, "jaccard": jaccard}.items():
        loss = build_criterion({name: {"smooth": 1.0}}, "classes")(logits, target)["loss"]
        assert loss.item() == pytest.approx(expected), name


def test_binary_cross_entropy_is_that_of_torch():
    truth = F.one_hot(LABELS, 3).movedim(3, 1).float()
    expected = F.binary_cross_entropy_with_logits(LOGITS, truth)
    torch.testing.assert_close(build_criterion("bce", "classes")(LOGITS, LABELS), expected)
    known = LABELS != 2
    counted = F.binary_cross_entropy_with_logits(LOGITS, truth, reduction="none").mean(1)[known].mean()
    torch.testing.assert_close(build_criterion("bce", "classes", 2)(LOGITS, LABELS), counted)


@pytest.mark.parametrize("name", declared_for(LOSS_REGISTRY, "classes"))
def test_an_image_with_a_label_is_as_a_pixel(name):
    criterion = build_criterion(name, "classes", -1, [0.5, 1.0, 2.0])
    labels = torch.tensor([0, 2, 1, 1, -1])
    logits = torch.randn(5, 3, generator=torch.manual_seed(2))
    as_pixels = criterion(logits.T.reshape(1, 3, 1, 5), labels.reshape(1, 1, 5))
    torch.testing.assert_close(criterion(logits, labels), as_pixels)
    torch.testing.assert_close(criterion(logits, labels.unsqueeze(1)), as_pixels)


def test_cross_entropy_of_images_is_that_of_torch():
    logits, labels = torch.randn(6, 4), torch.tensor([0, 1, 2, 3, 0, 1])
    torch.testing.assert_close(build_criterion("ce", "classes")(logits, labels), F.cross_entropy(logits, labels))
    assert build_criterion("ce", "classes")(torch.zeros(6, 4), labels).item() == pytest.approx(math.log(4))


@pytest.mark.parametrize(
    ("loss", "compares", "blamed", "message"),
    [
        ("mse", "classes", "loss", "no loss is called 'mse'.*The losses are: ce, dice, jaccard, focal, lovasz, bce"),
        ("ce", "quantities", "loss", "The losses are: mse, mae, rmse, huber"),
        ("ce", "confidence", "loss", "The losses are: mse, balanced"),
        ({"dice": "half"}, "classes", "loss.dice", "'dice' is given 'half'; expected its weight, or arguments"),
        ({"dice": {"smoth": 1}}, "classes", "loss.dice.smoth", "did you mean 'smooth'"),
    ],
)
def test_what_cannot_be_chosen(loss, compares, blamed, message):
    with pytest.raises(ArgumentError, match=message) as caught:
        chosen_losses(loss, compares, {})
    assert caught.value.argument == blamed


def test_class_weights_are_for_losses_that_take_them():
    with pytest.raises(ArgumentError, match="the loss 'huber' takes no class_weights") as caught:
        build_criterion(["huber"], "quantities", None, [1.0, 2.0])
    assert caught.value.argument == "class_weights"


class Hinge(nn.Module):
    def __init__(self, margin=1.0):
        super().__init__()
        self.margin = margin

    def forward(self, prediction, target):
        return self.margin * prediction.mean()


def test_a_loss_of_another_package():
    LOSS_REGISTRY.add(LossKind("hinge", Hinge, compares=("classes",)))
    try:
        assert build_criterion({"hinge": {"margin": 3.0}}, "classes").losses["hinge"].margin == 3
        with pytest.raises(ArgumentError, match="'hinge' takes no ignore_index"):
            build_criterion("hinge", "classes", 255)
        with pytest.raises(ArgumentError, match="no loss is called 'hinge'"):
            build_criterion("hinge", "quantities")
    finally:
        del LOSS_REGISTRY._entries["hinge"]


def test_what_is_given_is_left_as_it_was():
    given = {"dice": {"weight": 0.5, "smooth": 1}}
    chosen_losses(given, "classes", {})
    assert given == {"dice": {"weight": 0.5, "smooth": 1}}
