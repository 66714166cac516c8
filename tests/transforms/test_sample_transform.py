import numpy as np
import pytest
import torch
from torchvision import tv_tensors
from torchvision.transforms import v2

from isthmus.errors import LabelError
from isthmus.transforms import RandomD4, SampleTransform


def numbered(height, width, channels=(1,)):
    """A sample whose image holds, in every channel, the numbers of its mask."""
    mask = torch.arange(height * width).reshape(height, width)
    return {"image": mask.float().expand(*channels, height, width).clone(), "mask": mask, "filename": "chip.tif"}


def symmetries(grid):
    turns = [np.rot90(grid, k) for k in range(4)]
    return [turn.tobytes() for turn in turns + [np.fliplr(turn) for turn in turns] if turn.shape == grid.shape]


@pytest.mark.parametrize(("size", "count"), [((4, 4), 8), ((3, 3), 8), ((3, 5), 4)])
@pytest.mark.parametrize("channels", [(1,), (7,), (3, 2)])
def test_d4_draws_every_symmetry_and_nothing_else(size, count, channels):
    torch.manual_seed(0)
    transform = SampleTransform([RandomD4()])
    sample = numbered(*size, channels)
    seen = set()
    for _ in range(120):
        result = transform(sample)
        assert result["image"].shape == sample["image"].shape
        assert (result["image"] == result["mask"]).all()
        seen.add(np.ascontiguousarray(result["mask"].numpy()).tobytes())
    assert seen == {bytes(s) for s in symmetries(sample["mask"].numpy())}
    assert len(seen) == count
    assert (sample["mask"] == numbered(*size)["mask"]).all()  # the sample itself is left alone


@pytest.mark.parametrize("fill", [-1, 255, -100])
def test_empty_corners_are_ignored_and_never_a_class(fill):
    torch.manual_seed(1)
    sample = {"image": torch.ones(2, 16, 16), "mask": torch.full((16, 16), 3)}
    result = SampleTransform([v2.RandomRotation((45, 45))], fill)(sample)
    assert result["mask"].dtype == torch.int64
    assert set(result["mask"].unique().tolist()) == {3, fill}
    assert ((result["mask"] == fill) == (result["image"][0] == 0)).all()


def test_empty_corners_without_a_value_to_ignore_are_an_error():
    sample = {"image": torch.ones(1, 8, 8), "mask": torch.ones(8, 8, dtype=torch.int64), "filename": "chip.tif"}
    with pytest.raises(LabelError, match=r"label of chip\.tif empty; set no_label_replace"):
        SampleTransform(v2.RandomRotation((45, 45)))(sample)
    assert (SampleTransform(v2.RandomCrop(4))(sample)["mask"] == 1).all()


def test_quantities_have_no_value_where_a_transform_left_pixels_empty():
    sample = {"image": torch.ones(1, 16, 16), "mask": torch.full((16, 16), 0.5)}
    mask = SampleTransform([v2.RandomRotation((45, 45))], float("nan"))(sample)["mask"]
    assert mask.dtype == torch.float32
    assert (mask.isnan() | (mask == 0.5)).all()
    assert mask.isnan()[0, 0]


def test_images_of_several_modalities_move_together():
    torch.manual_seed(0)
    sample = numbered(6, 9)
    sample["image"] = {"S2": sample["image"].expand(4, 6, 9).clone(), "S1": sample["image"] * 2}
    result = SampleTransform([RandomD4(), v2.RandomCrop(4)])(sample)
    assert set(result) == {"image", "mask", "filename"}
    assert (result["image"]["S2"] == result["mask"]).all()
    assert (result["image"]["S1"] == 2 * result["mask"]).all()


def test_a_fill_by_type_is_left_to_the_transform():
    sample = {"image": torch.ones(1, 8, 8), "mask": torch.ones(8, 8, dtype=torch.int64)}
    rotation = v2.RandomRotation((45, 45), fill={tv_tensors.Image: 9.0, tv_tensors.Mask: 7})
    result = SampleTransform(rotation, -1)(sample)
    assert set(result["mask"].unique().tolist()) == {1, 7}
    assert result["image"].max() == 9


def test_masks_are_resampled_with_the_nearest_neighbour():
    torch.manual_seed(0)
    mask = torch.randint(0, 2, (9, 9)) * 50
    result = SampleTransform(v2.Resize((31, 17)), -1)({"image": torch.rand(12, 9, 9), "mask": mask})
    assert result["image"].shape == (12, 31, 17)
    assert set(result["mask"].unique().tolist()) == {0, 50}


def test_time_steps_move_together():
    result = SampleTransform(v2.RandomResizedCrop(5))(numbered(9, 9, (4, 3)))
    assert result["image"].shape == (4, 3, 5, 5)
    assert (result["image"] == result["image"][:1, :1]).all()


def test_images_without_labels_and_other_callables():
    assert SampleTransform(v2.CenterCrop(2))({"image": torch.ones(3, 4, 4)})["image"].shape == (3, 2, 2)
    doubled = SampleTransform(lambda sample: {**sample, "image": sample["image"] * 2})(numbered(2, 2))
    assert (doubled["image"] == 2 * doubled["mask"]).all()


def test_the_same_seed_gives_the_same_augmentation():
    transform = SampleTransform([RandomD4(), v2.RandomCrop(4)])
    results = []
    for _ in range(2):
        torch.manual_seed(3)
        results.append(torch.stack([transform(numbered(8, 8))["mask"] for _ in range(5)]))
    assert (results[0] == results[1]).all()
