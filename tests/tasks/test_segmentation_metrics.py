import math
import os

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import LabelError, ShapeError
from isthmus.tasks import BoundaryMeanIoU, ConfusionMatrix
from isthmus.tasks.segmentation.metrics import SegmentationMetrics
from isthmus.tasks.segmentation.scores import class_scores, mean_scores, segmentation_scores


@st.composite
def class_maps(draw, classes=4, ignored=-1):
    seed = draw(st.integers(0, 2**16))
    present = draw(st.lists(st.integers(0, classes - 1), min_size=1, max_size=classes, unique=True))
    rng = np.random.default_rng(seed)
    target = rng.choice(present, (2, 5, 6))
    target[rng.random(target.shape) < 0.25] = ignored
    return torch.from_numpy(rng.integers(0, classes, (2, 5, 6))), torch.from_numpy(target)


def direct_scores(prediction, target, classes, ignored):
    """The definitions, pixel by pixel, with sets."""
    pairs = [
        (t, p) for t, p in zip(target.flatten().tolist(), prediction.flatten().tolist(), strict=True) if t != ignored
    ]
    ious, recalls, f1s = {}, {}, {}
    for c in range(classes):
        truth = {i for i, (t, _) in enumerate(pairs) if t == c}
        found = {i for i, (_, p) in enumerate(pairs) if p == c}
        if c == ignored or not truth | found:
            continue
        ious[c] = len(truth & found) / len(truth | found)
        recalls[c] = len(truth & found) / len(truth) if truth else 0.0
        f1s[c] = 2 * len(truth & found) / (len(truth) + len(found))
    right = sum(t == p for t, p in pairs)
    means = {
        "mIoU": np.mean(list(ious.values())) if ious else math.nan,
        "Accuracy": np.mean(list(recalls.values())) if recalls else math.nan,
        "F1_Score": np.mean(list(f1s.values())) if f1s else math.nan,
        "Pixel_Accuracy": right / len(pairs) if pairs else math.nan,
        "mIoU_Micro": right / (2 * len(pairs) - right) if pairs else math.nan,
    }
    return means, ious, recalls


@pytest.mark.parametrize("ignored", [-1, 2])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_scores_are_their_definitions(ignored, data):
    prediction, target = data.draw(class_maps(ignored=ignored))
    confusion = ConfusionMatrix(4, ignored)
    confusion.update(prediction[:1], target[:1])
    confusion.update(prediction[1:], target[1:])
    matrix = confusion.compute()
    means, ious, recalls = direct_scores(prediction, target, 4, ignored)
    assert matrix.sum() == (target != ignored).sum()
    for name, value in mean_scores(matrix, ignored).items():
        assert value.item() == pytest.approx(means[name], nan_ok=True), name
    scores = class_scores(matrix, ignored)
    for c in range(4):
        assert scores["IoU"][c].item() == pytest.approx(ious.get(c, math.nan), nan_ok=True)
        assert scores["Class_Accuracy"][c].item() == pytest.approx(recalls.get(c, math.nan), nan_ok=True)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_ignored_pixels_change_no_score(data):
    prediction, target = data.draw(class_maps(ignored=255))
    other = torch.where(target == 255, (prediction + 1) % 4, prediction)
    results = []
    for each in (prediction, other):
        metrics = SegmentationMetrics(list("abcd"), 255)
        metrics.update(each, target.unsqueeze(1))
        results.append({name: value.item() for name, value in metrics.compute().items()})
    assert results[0] == pytest.approx(results[1], nan_ok=True)


def test_rows_are_truth_and_columns_prediction():
    confusion = ConfusionMatrix(3)
    confusion.update(torch.tensor([[[2, 2, 0]]]), torch.tensor([[[0, 0, 1]]]))
    assert confusion.compute().tolist() == [[0, 0, 2], [1, 0, 0], [0, 0, 0]]
    assert confusion.compute().dtype == torch.int64


def test_the_logged_names():
    scores = segmentation_scores(torch.eye(2, dtype=torch.int64), ["land", "water"])
    assert set(scores) == {
        *("mIoU", "mIoU_Micro", "F1_Score", "Accuracy", "Pixel_Accuracy"),
        *(f"{kind}_{name}" for kind in ("IoU", "Class_Accuracy", "F1") for name in ("land", "water")),
    }
    assert all(value == 1 for value in scores.values())


def test_an_absent_class_is_left_out_of_the_means():
    scores = segmentation_scores(torch.tensor([[3, 1, 0], [0, 2, 0], [0, 0, 0]]), ["a", "b", "c"])
    assert scores["mIoU"].item() == pytest.approx((3 / 4 + 2 / 3) / 2)
    assert scores["IoU_c"].isnan()


def test_shapes_and_labels_are_checked():
    confusion = ConfusionMatrix(2)
    with pytest.raises(ShapeError):
        confusion.update(torch.zeros(2, 3, 3, dtype=torch.int64), torch.zeros(2, 3, 4, dtype=torch.int64))
    with pytest.raises(LabelError):
        confusion.update(torch.zeros(1, 1, 1, dtype=torch.int64), torch.full((1, 1, 1), 2))


def naive_band(region, width):
    """Pixels whose window holds pixels inside and outside the region."""
    height, wide = region.shape
    band = np.zeros_like(region)
    for y in range(height):
        for x in range(wide):
            window = region[max(0, y - width) : y + width + 1, max(0, x - width) : x + width + 1]
            band[y, x] = window.any() and not window.all()
    return band


def test_boundary_score_is_its_definition_over_all_batches():
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 3, (4, 6, 5))
    target = np.kron(blocks, np.ones((4, 4), dtype=int))
    prediction = np.roll(target, 1, axis=2)
    target[rng.random(target.shape) < 0.05] = 255
    valid = target != 255
    intersection, union = np.zeros(3), np.zeros(3)
    for image in range(4):
        for c in (1, 2):
            first = naive_band((prediction[image] == c) & valid[image], 2) & valid[image]
            second = naive_band(target[image] == c, 2) & valid[image]
            intersection[c] += (first & second).sum()
            union[c] += (first | second).sum()
    metric = BoundaryMeanIoU(3, 255)
    metric.update(torch.from_numpy(prediction[:1].copy()), torch.from_numpy(target[:1]))
    metric.update(torch.from_numpy(prediction[1:].copy()), torch.from_numpy(target[1:]))
    assert metric.compute().item() == pytest.approx((intersection[1:] / union[1:]).mean())


def test_boundary_score_of_equal_maps_is_one_with_and_without_ignored_pixels():
    target = torch.zeros(3, 1, 16, 16, dtype=torch.int64)
    target[:, :, 4:11, 5:12] = 1
    prediction = target.squeeze(1).clone()
    target[0, 0, :3] = -1
    metric = BoundaryMeanIoU(2, -1)
    metric.update(prediction, target)
    assert metric.compute() == 1


def test_boundary_score_without_a_boundary_is_zero():
    metric = BoundaryMeanIoU(2)
    metric.update(torch.zeros(1, 8, 8, dtype=torch.int64), torch.zeros(1, 8, 8, dtype=torch.int64))
    assert metric.compute() == 0


def count_a_share(rank, folder):
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    metrics = SegmentationMetrics(["a", "b"])
    target = torch.zeros(1, 8, 8, dtype=torch.int64)
    target[:, :, rank + 3 :] = 1
    metrics.update(target, torch.zeros_like(target) if rank else target)
    torch.save((metrics.confusion.compute(), metrics.compute()), folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_every_process_gets_the_counts_of_all(tmp_path):
    torch.multiprocessing.start_processes(count_a_share, (tmp_path,), nprocs=2, start_method="fork")
    (first, scores), (second, other) = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    assert first.tolist() == second.tolist() == [[24 + 32, 32], [0, 40]]
    assert scores == other
    assert scores["Pixel_Accuracy"] == 96 / 128
