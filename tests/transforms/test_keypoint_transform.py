import math

import pytest
import torch
from drawn_keypoints import centre_of, dots, is_near
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms import v2

from isthmus.transforms import KeypointTransform, RandomD4

SMOOTH = v2.InterpolationMode.BILINEAR
EXACT = {
    "flip": v2.RandomHorizontalFlip(1.0),
    "upside down": v2.RandomVerticalFlip(1.0),
    "symmetries": RandomD4(),
    "crop": v2.RandomCrop((40, 50)),
    "centre crop": v2.CenterCrop((41, 52)),
    "pad": v2.Pad([3, 5, 2, 7]),
    "zoom out": v2.RandomZoomOut(p=1.0),
}
RESAMPLED = {
    "resize": v2.Resize((37, 91)),
    "one side": v2.RandomShortestSize([30, 50]),
    "resized crop": v2.RandomResizedCrop((40, 56), scale=(0.5, 1.0)),
    "affine": v2.RandomAffine(40, (0.1, 0.1), (0.7, 1.3), 15, interpolation=SMOOTH),
    "rotation": v2.RandomRotation(180, interpolation=SMOOTH),
    "rotation that grows": v2.RandomRotation(180, interpolation=SMOOTH, expand=True),
    "rotation about a corner": v2.RandomRotation(20, interpolation=SMOOTH, center=[5, 8]),
    "perspective": v2.RandomPerspective(0.3, 1.0, interpolation=SMOOTH),
    "jitter": v2.ScaleJitter((60, 60)),
    "several": v2.Compose(
        [RandomD4(), v2.RandomAffine(20, interpolation=SMOOTH), v2.RandomResizedCrop(48, (0.4, 1.0))]
    ),
}


def a_pose(height, width, count=5):
    """A sample of one instance whose points lie well inside, with a channel for each."""
    points = torch.rand(count, 2) * torch.tensor([width - 25.0, height - 25.0]) + 12
    return {"image": dots(points, height, width), "keypoints": points[None], "filename": "a.png"}


def distances(transform, tolerance, size, seed):
    """Every point that is well inside afterwards lies on its spot; says how many there were."""
    torch.manual_seed(seed)
    sample = a_pose(*size)
    result = KeypointTransform(transform)(sample)
    height, width = result["image"].shape[-2:]
    checked = 0
    for points in result["keypoints"]:
        for spot, (x, y) in zip(result["image"], points, strict=True):
            if 6 <= x <= width - 7 and 6 <= y <= height - 7:
                assert is_near(centre_of(spot), torch.stack([x, y]), tolerance)
                checked += 1
    return checked


@pytest.mark.parametrize("size", [(64, 64), (60, 81)])
@pytest.mark.parametrize(
    ("transform", "tolerance"),
    [(t, 1e-3) for t in EXACT.values()] + [(t, 0.1) for t in RESAMPLED.values()],
    ids=[*EXACT, *RESAMPLED],
)
def test_points_stay_on_what_they_mark(transform, tolerance, size):
    assert sum(distances(transform, tolerance, size, seed) for seed in range(4)) > 0


def test_points_follow_an_elastic_image():
    assert sum(distances(v2.ElasticTransform(40.0, 6.0), 0.3, (64, 64), seed) for seed in range(4)) > 10


numbers = st.floats(0, 9, width=32)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=6), st.sampled_from([(10, 10), (10, 14)]))
def test_a_symmetry_and_its_inverse_leave_points_where_they_were(points, size):
    keypoints = torch.tensor(points)[:, None]
    sample = {"image": torch.rand(1, *size), "keypoints": keypoints}
    for twice in (v2.RandomHorizontalFlip(1.0), v2.RandomVerticalFlip(1.0), v2.RandomRotation((180, 180))):
        transform = KeypointTransform([twice, twice])
        result = transform(sample)
        torch.testing.assert_close(result["keypoints"], keypoints, atol=1e-4, rtol=0)
        assert torch.equal(result["image"], sample["image"])


@settings(max_examples=20)
@given(st.integers(0, 1000), st.integers(3, 9), st.integers(3, 9))
def test_every_symmetry_moves_a_pixel_and_its_point_alike(seed, height, width):
    torch.manual_seed(seed)
    row, column = int(torch.randint(height, ())), int(torch.randint(width, ()))
    image = torch.zeros(1, height, width)
    image[0, row, column] = 1
    sample = {"image": image, "keypoints": torch.tensor([[[float(column), float(row)]]])}
    result = KeypointTransform(RandomD4())(sample)
    x, y = result["keypoints"][0, 0].round().long().tolist()
    assert result["image"][0, y, x] == 1
    torch.testing.assert_close(result["keypoints"], result["keypoints"].round(), atol=1e-4, rtol=0)


def test_points_that_are_absent_stay_absent_and_those_outside_become_so():
    nan = math.nan
    keypoints = torch.tensor([[[2.0, 2.0], [nan, nan]], [[8.0, 8.0], [2.4, 3.0]], [[9.0, 9.0], [nan, nan]]])
    sample = {"image": torch.rand(1, 10, 10), "keypoints": keypoints}
    for transform in (v2.Resize(20), v2.ElasticTransform(1.0, 1.0), v2.RandomPerspective(0.1, 1.0), v2.RandomAffine(5)):
        assert KeypointTransform(transform)(sample)["keypoints"].isnan().any(-1).tolist()[0] == [False, True]

    class Corner(v2.Transform):
        def transform(self, inpt, params):
            return v2.functional.crop(inpt, 0, 0, 5, 5)

    cropped = KeypointTransform(Corner())(sample)["keypoints"]  # the third has no point left
    torch.testing.assert_close(cropped, torch.tensor([[[2, 2], [nan, nan]], [[nan, nan], [2.4, 3]]]), equal_nan=True)
    assert torch.equal(sample["keypoints"].nan_to_num(-1), keypoints.nan_to_num(-1))  # the sample is left alone


def test_images_without_instances():
    empty = torch.empty(0, 2, 2)
    for transform in (v2.RandomRotation(30, expand=True), RandomD4(), v2.RandomCrop(4), v2.ElasticTransform(1.0, 1.0)):
        result = KeypointTransform(transform, [1, 0])({"image": torch.rand(1, 8, 8), "keypoints": empty})
        assert result["keypoints"].shape == (0, 2, 2)
    assert set(KeypointTransform(RandomD4())({"image": torch.rand(1, 8, 8)})) == {"image"}


@pytest.mark.parametrize(
    ("transform", "mirrors"),
    [
        (v2.RandomHorizontalFlip(1.0), True),
        (v2.RandomVerticalFlip(1.0), True),
        ([v2.RandomVerticalFlip(1.0), v2.RandomHorizontalFlip(1.0)], False),
        (v2.RandomRotation((170, 190)), False),
        ([v2.RandomRotation(180), v2.RandomHorizontalFlip(1.0), v2.ElasticTransform(20.0)], True),
        (lambda sample: sample, False),
    ],
)
def test_pairs_change_places_where_the_image_is_mirrored(transform, mirrors):
    sample = a_pose(64, 64, count=3)
    torch.manual_seed(5)
    plain = KeypointTransform(transform)(sample)["keypoints"]
    torch.manual_seed(5)
    paired = KeypointTransform(transform, [1, 0, 2])(sample)
    expected = plain[:, [1, 0, 2]] if mirrors else plain
    torch.testing.assert_close(paired["keypoints"], expected, equal_nan=True)
    assert set(paired) == {"image", "keypoints", "filename"}
    assert type(paired["keypoints"]) is torch.Tensor


def test_padding_that_mirrors_is_refused_by_torchvision():
    with pytest.raises(ValueError, match="reflect"):
        KeypointTransform(v2.Pad(2, padding_mode="reflect"))(a_pose(40, 40))
