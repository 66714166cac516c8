"""Scores of points against examples counted by hand."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from isthmus.tasks.keypoints import DetectionMetrics, PoseMetrics, match_points
from isthmus.tasks.keypoints.targets import PointTarget

NAN = math.nan
NAMES = ["nose", "tail"]


def update(metrics, found, true):
    """Count images, each a list of instances of points."""
    found, true = torch.tensor(found, dtype=torch.float32), torch.tensor(true, dtype=torch.float32)
    metrics.update(torch.cat([found, torch.ones(*found.shape[:-1], 1)], -1), PointTarget(true, (50, 50)))


def values(metrics):
    return {name: float(value) for name, value in metrics.compute().items()}


POSES = [  # found and true (x, y) of nose and tail
    ([[0, 0], [10, 10]], [[3, 4], [10, 11]]),  # 5 and 1 away
    ([[7, 7], [NAN, NAN]], [[7, 7], [20, 20]]),  # 0 away, and missed
    ([[1, 1], [2, 2]], [[NAN, NAN], [2, 4]]),  # found where there is none, and 2 away
    ([[NAN, NAN], [5, 5]], [[NAN, NAN], [5, 15]]),  # rightly none, and 10 away
]


def poses(size):
    metrics = PoseMetrics(NAMES, [2, 5])
    for start in range(0, len(POSES), size):
        batch = POSES[start : start + size]
        update(metrics, [[found] for found, _ in batch], [[true] for _, true in batch])
    return metrics


@pytest.mark.parametrize("size", [1, 3, 4])
def test_poses_are_scored(size):
    scores = values(poses(size))
    assert scores == pytest.approx(
        {
            "mean_error": (5 + 1 + 0 + 2 + 10) / 5,
            "median_error": 2,
            "PCK@2": 3 / 6,  # the one that was missed is wrong
            "PCK@5": 4 / 6,
            "missed": 1 / 6,
            "extra": 1 / 2,
            "mean_error_nose": 2.5,
            "mean_error_tail": 13 / 3,
        }
    )


def test_each_point_has_its_scores():
    table = poses(2).per_name()
    assert table["nose"] == pytest.approx(
        {"mean_error": 2.5, "median_error": 2.5, "PCK@2": 0.5, "PCK@5": 1, "missed": 0, "extra": 0.5, "labelled": 2}
    )
    assert table["tail"]["missed"] == 0.25
    assert math.isnan(table["tail"]["extra"])


def test_the_instance_may_be_anywhere_among_the_padding():
    metrics = PoseMetrics(NAMES, [2])
    nothing = [[NAN, NAN], [NAN, NAN]]
    update(metrics, [[[[1, 1], [2, 2]]]], [[nothing, [[1, 2], [NAN, NAN]], nothing]])
    assert values(metrics)["mean_error"] == 1


def test_no_points_at_all():
    metrics = PoseMetrics(NAMES, [2])
    metrics.update(torch.zeros(2, 1, 2, 3), PointTarget(torch.zeros(2, 0, 2, 2), (5, 5)))
    scores = values(metrics)
    assert math.isnan(scores["mean_error"])
    assert math.isnan(scores["PCK@2"])
    assert scores["extra"] == 1
    metrics.reset()
    assert not metrics.update_called


def test_a_single_point_in_a_single_image():
    metrics = PoseMetrics(["tree"], [2])
    update(metrics, [[[[3, 4]]]], [[[[0, 0]]]])
    assert values(metrics)["mean_error_tree"] == 5
    assert metrics.per_name()["tree"]["labelled"] == 1


def trees(*places, most=4):
    return [[place] for place in places] + [[[NAN, NAN]]] * (most - len(places))


@pytest.mark.parametrize("together", [True, False])
def test_objects_are_scored(together):
    found = [trees([0, 0], [10, 0], [30, 30]), trees([5, 5]), trees()]
    true = [trees([0, 3], [11, 0]), trees(), trees([40, 40], [1, 1], [2, 2])]
    metrics = DetectionMetrics(["tree"], 4)
    if together:
        update(metrics, found, true)
    else:
        for one, other in zip(found, true, strict=True):
            update(metrics, [one], [other])
    assert values(metrics) == pytest.approx(
        {"precision": 2 / 4, "recall": 2 / 5, "F1": 4 / 9, "mean_error": 2, "count_error": (1 + 1 + 3) / 3}
    )
    assert metrics.per_name()["tree"]["labelled"] == 5
    assert metrics.per_name()["tree"]["found"] == 4


def test_kinds_of_objects_do_not_match_each_other():
    metrics = DetectionMetrics(["tree", "ship"], 4)
    update(metrics, [[[[0, 0], [9, 9]]]], [[[[9, 9], [9, 8]]]])
    scores = values(metrics)
    assert (scores["F1_tree"], scores["F1_ship"], scores["F1"]) == (0, 1, 0.5)
    assert scores["count_error"] == 0


def test_nothing_there_and_nothing_found_has_no_score():
    metrics = DetectionMetrics(["tree"], 4)
    update(metrics, [trees()], [trees()])
    scores = values(metrics)
    assert scores["count_error"] == 0
    assert all(math.isnan(scores[name]) for name in ("precision", "recall", "F1", "mean_error"))


PLACES = st.integers(0, 4).flatmap(lambda n: arrays(np.float64, (n, 2), elements=st.integers(0, 12)))


@given(PLACES, PLACES, st.integers(1, 8))
def test_matches_are_as_many_as_can_be_and_then_as_near(found, true, reach):
    if len(found) > len(true):
        found, true = true, found
    best = (0, 0.0)
    for chosen in itertools.permutations(range(len(true)), len(found)):
        gaps = [math.dist(found[i], true[j]) for i, j in enumerate(chosen)]
        gaps = [gap for gap in gaps if gap <= reach]
        best = max(best, (len(gaps), -sum(gaps)))
    matched = match_points(found, true, reach)
    assert (len(matched), -matched.sum()) == (best[0], pytest.approx(best[1]))


@pytest.mark.parametrize("make", [lambda: poses(2), lambda: DetectionMetrics(NAMES, 5)])
def test_nothing_is_kept_in_float64_which_apples_accelerators_lack(make):
    metrics = make()
    update(metrics, [[[[1, 1], [2, 2]]]], [[[[1, 2], [2, 2]]]])
    states = [state for metric in metrics.children() for state in metric.metric_state.values()]
    tensors = [tensor for state in states for tensor in (state if isinstance(state, list) else [state])]
    assert tensors
    assert not [tensor for tensor in tensors if tensor.dtype == torch.float64]
