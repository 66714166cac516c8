import pytest
import torch
from oracle import cases, differences, load_oracle

from isthmus.errors import ArgumentError
from isthmus.models.base import ModelOutput
from isthmus.tasks import CombinedLoss, CrossEntropyLoss, DiceLoss, LossHandler

RUNS = [run for case in cases("losses", "loss.handler.") for run in case["runs"]]


@pytest.mark.real
@pytest.mark.parametrize("run", RUNS, ids=[run["id"] for run in RUNS])
def test_the_recorded_sums(shared, run):
    inputs = load_oracle().make_inputs(run["inputs"])
    output = ModelOutput(inputs["pred"], {"a": inputs["aux"]} if "aux" in inputs else {})
    arguments = (output, inputs["target"], CrossEntropyLoss(), inputs.get("weights"))
    if "raises" in run:
        with pytest.raises(ArgumentError):
            LossHandler("train/").compute_loss(*arguments)
    else:
        assert differences(run["outputs"], LossHandler("train/").compute_loss(*arguments)) == []


def test_both_differences_of_names_are_listed():
    prediction, target = torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2, dtype=torch.int64)
    output = ModelOutput(prediction, {"a": prediction, "both": prediction})
    with pytest.raises(ArgumentError, match=r"without a weight: \['a'\]; weights without a head: \['b'\]"):
        LossHandler("").compute_loss(output, target, CrossEntropyLoss(), {"b": 1.0, "both": 1.0})


def test_a_combined_criterion_keeps_its_parts_and_adds_the_heads():
    prediction, target = torch.randn(1, 2, 4, 4), torch.randint(0, 2, (1, 4, 4))
    criterion = CombinedLoss({"ce": CrossEntropyLoss(), "dice": DiceLoss()})
    losses = LossHandler("").compute_loss(ModelOutput(prediction, {"a": prediction}), target, criterion, {"a": 0.5})
    alone = criterion(prediction, target)
    assert set(losses) == {"ce", "dice", "a", "loss"}
    assert losses["ce"] == alone["ce"]
    assert losses["loss"].item() == pytest.approx(1.5 * alone["loss"].item())


def test_what_is_logged():
    logged = {}
    handler = LossHandler("val/")
    handler.log_loss(
        lambda name, value, **how: logged.update({name: (value, how)}),
        {"loss": torch.tensor(2.0, requires_grad=True), "a": torch.tensor(1.0)},
        3,
    )
    assert set(logged) == {"val/loss", "val/a"}
    assert not logged["val/loss"][0].requires_grad
    assert logged["val/loss"][1]["batch_size"] == 3
    assert logged["val/loss"][1]["sync_dist"]
    assert logged["val/a"][1] == {"sync_dist": True, "batch_size": 3}  # by step or by epoch, as Lightning does the loss
