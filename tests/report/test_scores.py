"""Scores in words, and tables."""

import csv
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isthmus.predictions.palette import default_colors
from isthmus.report.confusion import draw_confusion, write_confusion
from isthmus.report.scores import class_scores, row_shares, scores_text, single_scores_text
from isthmus.report.text_table import short_number, text_table
from isthmus.tasks.segmentation.scores import class_scores as class_scores_of_tasks

CONFUSION = np.array([[8, 2, 0], [1, 3, 0], [0, 0, 0]])


def test_scores_of_a_class_are_those_of_their_definitions():
    land, water, nothing = class_scores(CONFUSION, ["land", "water", "ice"])
    assert (land.iou, land.f1, land.accuracy, land.precision) == (8 / 11, 16 / 19, 8 / 10, 8 / 9)
    assert (water.iou, water.pixels) == (3 / 6, 4)
    assert math.isnan(nothing.iou)
    assert math.isnan(nothing.accuracy)


@given(st.lists(st.lists(st.integers(0, 1000), min_size=3, max_size=3), min_size=3, max_size=3))
def test_scores_are_consistent(rows):
    for score in class_scores(np.array(rows), ["a", "b", "c"]):
        if score.f1 > 0:
            assert score.iou == pytest.approx(score.f1 / (2 - score.f1))
            assert score.f1 == pytest.approx(2 / (1 / score.accuracy + 1 / score.precision))
            assert score.iou <= min(score.accuracy, score.precision)


def test_the_text_holds_the_numbers_and_the_shares_of_the_rows():
    text = scores_text("val of best.ckpt", {"loss": 0.5, "mIoU": math.nan}, CONFUSION, ["land", "water", "ice"])
    assert text.startswith("val of best.ckpt\n\n")
    assert "0.5000     -" in text
    assert "80.0 %  20.0 %" in text
    assert text.splitlines()[-1].split() == ["ice", "-", "-", "-"]


def test_rows_without_a_pixel_have_no_share():
    assert np.isnan(row_shares(CONFUSION)[2]).all()
    assert row_shares(CONFUSION)[0].tolist() == [0.8, 0.2, 0.0]


def test_the_confusion_is_written_as_counts(tmp_path):
    write_confusion(tmp_path / "c.csv", CONFUSION, ["land", "water, deep", "ice"])
    with (tmp_path / "c.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["truth \\ predicted", "land", "water, deep", "ice"]
    assert rows[1] == ["land", "8", "2", "0"]


@pytest.mark.parametrize("count", [2, 20])
def test_the_confusion_is_drawn(tmp_path, count):
    draw_confusion(tmp_path / "c.png", np.eye(count, dtype=int), [str(i) for i in range(count)], "val")
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_a_table_leaves_out_columns_that_hold_nothing():
    table = text_table(["name", "licence", "size"], [["a", None, 1], ["bcd", None, 22]], numbers=["size"])
    assert table == "name  size\n----  ----\na        1\nbcd     22"


def test_large_counts_are_short():
    counts = (None, 7, 999, 1500, 86_200_000, 1_000_000_000)
    assert [short_number(count) for count in counts] == [None, "7", "999", "1.5k", "86.2M", "1G"]


@given(st.lists(st.sampled_from(["water", "land", "tree", "Trees", "x", "y", "no_water"]), max_size=60))
def test_colours_are_all_different(names):
    colours = default_colors(names)
    assert len(set(colours)) == len(names)
    assert all(0 <= part <= 255 for colour in colours for part in colour)


@given(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=3, max_size=3))
def test_the_printed_scores_are_those_that_training_logs(rows):
    logged = class_scores_of_tasks(torch.tensor(rows))
    printed = class_scores(np.array(rows), ["a", "b", "c"])
    for name, attribute in (("IoU", "iou"), ("F1", "f1"), ("Class_Accuracy", "accuracy")):
        np.testing.assert_allclose([getattr(score, attribute) for score in printed], logged[name].numpy())


def test_the_scores_of_each_point_as_text():
    text = single_scores_text(
        "point", {"nose": {"mean_error": 1.25, "labelled": 7}, "tail": {"mean_error": math.nan, "labelled": 0}}
    )
    assert text.splitlines()[2:] == ["nose       1.2500         7", "tail            -         0"]
