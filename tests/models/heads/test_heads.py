"""What the heads predict, and what they refuse."""

import pytest
import torch
from torch import nn

from isthmus.errors import ArgumentError
from isthmus.models.heads import ClassificationHead, RegressionHead, ScalarHead, SegmentationHead


@pytest.mark.parametrize("given", ["ReLU", "torch.nn.ReLU", nn.ReLU()])
def test_activations_are_named_or_given(given):
    head = RegressionHead(4, final_act=given).eval()
    plain = RegressionHead(4).eval()
    plain.load_state_dict(head.state_dict())
    x = torch.randn(2, 4, 5, 7)
    torch.testing.assert_close(head(x), plain(x).relu())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("Relu", "'ReLU'"),
        ("torch.nn.Relu", "'ReLU'"),
        ("no_such_module.ReLU", "cannot be imported"),
        ("torch.zeros", ""),
    ],
)
def test_unknown_activations_are_refused(given, says):
    with pytest.raises(ArgumentError, match=f"final_act.*{says}"):
        RegressionHead(4, final_act=given)


def test_without_batch_norm_there_is_none():
    assert not any(
        isinstance(each, nn.BatchNorm2d) for each in RegressionHead(4, channel_list=[3], batch_norm=False).modules()
    )
    assert any(isinstance(each, nn.BatchNorm2d) for each in RegressionHead(4, channel_list=[3]).modules())


def test_upscaling_doubles_each_time():
    assert RegressionHead(4, learned_upscale_layers=3, num_outputs=2).eval()(torch.randn(1, 4, 3, 5)).shape == (
        1,
        2,
        24,
        40,
    )


def test_pooling_before_or_after_a_linear_head_is_the_same():
    before = ScalarHead(6, 3, linear_after_pool=True).eval()
    after = ScalarHead(6, 3).eval()
    after.load_state_dict(before.state_dict())
    x = torch.randn(2, 6, 5, 7)
    torch.testing.assert_close(before(x), after(x))
    torch.testing.assert_close(before(x), before(x.mean((2, 3))))


def test_both_numbers_of_outputs_are_too_many():
    with pytest.warns(UserWarning, match="num_outputs counts"):
        assert ScalarHead(4, 2, num_classes=3)(torch.randn(1, 4)).shape == (1, 2)


def test_classes_are_classes():
    assert ClassificationHead(4, num_classes=3)(torch.randn(2, 4, 1, 1)).shape == (2, 3)
    assert isinstance(ClassificationHead(4, 3), ScalarHead)


@pytest.mark.parametrize("head", [ScalarHead, ClassificationHead])
def test_outputs_must_be_said(head):
    with pytest.raises(ArgumentError, match="num_outputs or num_classes"):
        head(4)


@pytest.mark.parametrize(
    ("head", "shape"),
    [
        (SegmentationHead(4, 3, [5], 0.5), (2, 4, 9, 7)),
        (RegressionHead(4, "Softplus", 1, [5], dropout=0.5), (2, 4, 9, 7)),
        (ScalarHead(4, 3, [5], 0.5), (2, 4, 9, 7)),
        (ScalarHead(4, 3, [5]), (2, 4)),
    ],
)
def test_exports(head, shape):
    x = torch.randn(shape)
    exported = torch.export.export(head.eval(), (x,), strict=False).module()
    with torch.no_grad():
        torch.testing.assert_close(exported(x), head(x))
