"""Metrics of plug-ins that a task is asked for."""

import pytest
import torch
from torch import nn
from torchmetrics import Metric
from torchmetrics.classification import MulticlassCohenKappa

from isthmus.errors import ArgumentError
from isthmus.registry import METRIC_REGISTRY
from isthmus.registry.kinds import MetricKind
from isthmus.tasks import SemanticSegmentationTask
from isthmus.tasks.segmentation.metrics import SegmentationMetrics


class Counted(Metric):
    """How many elements it was given."""

    full_state_update = False

    def __init__(self):
        super().__init__()
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, prediction, target):
        assert prediction.shape == target.shape == (target.numel(),)
        self.count += target.numel()

    def compute(self):
        return self.count


@pytest.fixture(autouse=True)
def registered():
    METRIC_REGISTRY.add(MetricKind("counted", Counted, compares=("classes", "quantities")))
    METRIC_REGISTRY.add(MetricKind("kappa", "torchmetrics.classification:MulticlassCohenKappa", compares=("classes",)))
    yield
    for name in ("counted", "kappa"):
        del METRIC_REGISTRY._entries[name]


def test_they_see_what_counts_and_are_logged_under_their_names():
    torch.manual_seed(0)
    task = SemanticSegmentationTask(
        model=nn.Conv2d(2, 3, 1), num_classes=3, ignore_index=255, metrics=["counted", "kappa"]
    )
    mask = torch.randint(0, 3, (2, 4, 4))
    mask[:, 0] = 255
    batch = {"image": torch.randn(2, 2, 4, 4), "mask": mask}
    task.log = lambda *_, **__: None
    task.validation_step(batch, 0)
    task.validation_step(batch, 1)
    scores = task.val_metrics.compute()
    assert scores["counted"] == 2 * 2 * 3 * 4
    prediction = task.decide(task.run_model(batch))
    expected = MulticlassCohenKappa(3)(prediction[mask != 255], mask[mask != 255])
    torch.testing.assert_close(scores["kappa"], expected)
    assert {"mIoU", "counted"} <= set(scores)
    assert set(task.kind.logged(task.hparams)) == {"loss", *scores}
    kept = {}
    task.keep = lambda split, metrics: kept.update({split: metrics})
    task.log_dict = lambda *_, **__: None
    task.on_validation_epoch_end()
    assert isinstance(kept["val"], SegmentationMetrics)
    assert not task.val_metrics.update_called
    assert task.val_metrics.requested["counted"].count == 0


def test_one_that_nobody_registered():
    with pytest.raises(ArgumentError, match="no metric is called 'kapa'; did you mean 'kappa'") as caught:
        SemanticSegmentationTask(model=nn.Identity(), num_classes=3, metrics=["kapa"])
    assert caught.value.argument == "metrics"
