"""The scores of quantities against torchmetrics and closed forms."""

import itertools
import math
import os

import pytest
import torch
import torchmetrics.functional as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import ShapeError
from isthmus.tasks.regression.metrics import RegressionMetrics
from isthmus.tasks.regression.quantity_errors import QuantityErrors

BY_TORCHMETRICS = {
    "RMSE": lambda predicted, true: reference.mean_squared_error(predicted, true).sqrt(),
    "MSE": reference.mean_squared_error,
    "MAE": reference.mean_absolute_error,
    "R2_Score": reference.r2_score,
}


def drawn(seed, shape=(4, 2, 5, 6), offset=0.0, hidden=0.3):
    generator = torch.manual_seed(seed)
    true = offset + torch.randn(shape, generator=generator)
    predicted = true + torch.randn(shape, generator=generator)
    counts = torch.rand(shape, generator=generator) >= hidden
    marked = true.masked_fill(~counts, torch.nan)
    marked[0, ..., 0, 0] = -1.0
    counts[0, ..., 0, 0] = False
    return predicted, true, marked, counts


def scores(metrics, *batches):
    for predicted, true in batches:
        metrics.update(predicted, true)
    return {name: value.item() for name, value in metrics.compute().items()}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16), offset=st.sampled_from([0.0, 50.0, -1000.0]))
def test_scores_are_those_of_torchmetrics_on_what_counts(seed, offset):
    predicted, true, marked, counts = drawn(seed, offset=offset)
    found = scores(RegressionMetrics(["a", "b"], -1.0), (predicted, marked))
    for score, by_torchmetrics in BY_TORCHMETRICS.items():
        each = [
            by_torchmetrics(predicted[:, k][counts[:, k]].double(), true[:, k][counts[:, k]].double()).item()
            for k in range(2)
        ]
        assert [found[f"{score}_a"], found[f"{score}_b"]] == pytest.approx(each, rel=1e-6), score
        pooled = by_torchmetrics(predicted[counts].double(), true[counts].double()).item()
        overall = sum(each) / 2 if score == "R2_Score" else pooled
        assert found[score] == pytest.approx(overall, rel=1e-6), score


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**16), cuts=st.lists(st.integers(0, 8), max_size=5))
def test_how_batches_are_split_changes_no_score(seed, cuts):
    predicted, _, marked, _ = drawn(seed, (8, 1, 3, 4), offset=1e4)
    marked[5] = torch.nan  # a batch in which nothing counts may be among them
    whole = scores(RegressionMetrics(["a"]), (predicted, marked))
    edges = sorted({0, 8, *cuts})
    parts = [(predicted[low:high], marked[low:high]) for low, high in itertools.pairwise(edges)]
    assert scores(RegressionMetrics(["a"]), *parts) == pytest.approx(whole, rel=1e-9)


def test_a_single_quantity_has_no_scores_of_its_own_beside_the_overall_ones():
    predicted, true = torch.tensor([[[1.0, 2.0]], [[3.0, 9.0]]]), torch.tensor([[[1.0, 4.0]], [[3.0, torch.nan]]])
    metrics = RegressionMetrics(["height"])
    found = scores(metrics, (predicted, true))
    assert found == pytest.approx({"RMSE": (4 / 3) ** 0.5, "MSE": 4 / 3, "MAE": 2 / 3, "R2_Score": 1 - 4 / (42 / 9)})
    assert metrics.per_name() == {}


def test_the_scores_of_each_quantity_are_kept_for_tables():
    predicted, _, marked, counts = drawn(3)
    metrics = RegressionMetrics(["a", "b"], -1.0)
    found = scores(metrics, (predicted, marked))
    table = metrics.per_name()
    assert list(table["a"]) == ["RMSE", "MSE", "MAE", "R2_Score", "known"]
    assert table["b"]["MAE"] == found["MAE_b"]
    assert table["a"]["known"] == counts[:, 0].sum()


@pytest.mark.parametrize("constant", [0.1, 1e7, 3.3e-5])
def test_without_variance_there_is_nothing_to_explain(constant):
    true = torch.full((2, 7, 9), constant)
    found = scores(RegressionMetrics(["a"]), (true + 1, true), (true, true))
    assert math.isnan(found["R2_Score"])
    assert found["MAE"] == pytest.approx(0.5)


def test_without_a_pixel_there_is_no_score():
    found = scores(RegressionMetrics(["a", "b"]), (torch.zeros(1, 2, 3, 3), torch.full((1, 2, 3, 3), torch.nan)))
    assert all(math.isnan(value) for value in found.values())


def test_small_errors_on_large_numbers_over_many_batches():
    metrics = RegressionMetrics(["a"])
    truth = torch.tensor([[[20000.0, 20000.25, 20000.5, 20000.75]]])
    found = scores(metrics, *[(truth + 0.125, truth)] * 3000)
    variance = 0.25**2 * 1.25
    assert found == pytest.approx({"RMSE": 0.125, "MSE": 1 / 64, "MAE": 0.125, "R2_Score": 1 - (1 / 64) / variance})


def test_shapes_are_never_broadcast():
    metrics = QuantityErrors(2)
    with pytest.raises(ShapeError, match="must be equal"):
        metrics.update(torch.zeros(2, 2, 3, 3), torch.zeros(2, 3, 3))


def count_a_share(rank, folder):
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    metrics = RegressionMetrics(["a", "b"], -1.0)
    predicted, _, marked, _ = drawn(1, offset=100.0)
    metrics.update(predicted[rank::2], marked[rank::2])
    torch.save(metrics.compute(), folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_every_process_gets_the_scores_of_all(tmp_path):
    torch.multiprocessing.start_processes(count_a_share, (tmp_path,), nprocs=2, start_method="fork")
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    predicted, _, marked, _ = drawn(1, offset=100.0)
    whole = scores(RegressionMetrics(["a", "b"], -1.0), (predicted, marked))
    assert first == second
    assert {name: value.item() for name, value in first.items()} == pytest.approx(whole, rel=1e-9)
