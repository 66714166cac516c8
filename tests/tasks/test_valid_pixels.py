import pytest
import torch

from isthmus.errors import LabelError, ShapeError
from isthmus.tasks.valid_pixels import class_labels, match_shape, valid_pixels


def test_a_mask_with_a_channel_axis_is_squeezed():
    assert match_shape(torch.zeros(2, 1, 3, 4), (2, 3, 4)).shape == (2, 3, 4)


@pytest.mark.parametrize("shape", [(2, 4, 3), (1, 3, 4), (2, 2, 3, 4), (3, 4), (2, 3, 1)])
def test_other_shapes_are_an_error_and_never_broadcast(shape):
    with pytest.raises(ShapeError, match=r"\(2, 3, 4\)"):
        match_shape(torch.zeros(shape), (2, 3, 4))


def test_nan_and_the_ignored_value_do_not_count():
    target = torch.tensor([0.0, float("nan"), -9999.0, 2.0])
    assert valid_pixels(target, -9999).tolist() == [True, False, False, True]
    assert valid_pixels(target).tolist() == [True, False, True, True]
    assert valid_pixels(torch.tensor([0, 255]), 255).tolist() == [True, False]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int64, torch.float32])
def test_labels_of_any_type_become_classes(dtype):
    target = torch.tensor([[[0, 1], [2, 255 if dtype is not torch.float32 else 255.0]]]).to(dtype)
    labels, valid = class_labels(target, (1, 2, 2), 3, 255)
    assert labels.dtype == torch.int64
    assert labels.tolist() == [[[0, 1], [2, 0]]]
    assert valid.tolist() == [[[True, True], [True, False]]]


def test_labels_outside_the_classes_are_named_with_their_files():
    target = torch.tensor([[[0, 1]], [[7, 7]], [[-1, 255]]])
    with pytest.raises(LabelError) as raised:
        class_labels(target, (3, 1, 2), 3, 255, ["a.tif", "b.tif", "c.tif"])
    message = str(raised.value)
    assert "in b.tif, c.tif" in message
    assert "-1 (1 pixels), 7 (2 pixels)" in message
    assert "expected 0 to 2 (255 is ignored)" in message


def test_labels_of_images_outside_the_classes_are_named_likewise():
    with pytest.raises(LabelError, match=r"the label holds .* in b\.tif: 7 \(1 images\).*label of unlabelled images"):
        class_labels(torch.tensor([1, 7]), (2,), 3, None, ["a.tif", "b.tif"])


def test_a_fraction_is_no_label():
    with pytest.raises(LabelError, match=r"0\.5 \(1 pixels\)"):
        class_labels(torch.tensor([[[0.5, 1.0]]]), (1, 1, 2), 2)


def test_an_empty_batch_is_fine():
    labels, valid = class_labels(torch.zeros(0, 4, 4, dtype=torch.int64), (0, 4, 4), 2)
    assert labels.shape == valid.shape == (0, 4, 4)
