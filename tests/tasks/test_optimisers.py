import copy

import pytest
import torch
from torch import nn

from isthmus.errors import ArgumentError
from isthmus.tasks import optimizer_factory
from isthmus.tasks.optimisers import parameter_groups

WARMUP = {
    "schedulers": {"LambdaLR": {"lr_lambda": "linear_warmup"}, "CosineAnnealingLR": {"T_max": 10}},
    "milestones": [4],
}


def module():
    return nn.ModuleDict(
        {"encoder": nn.ModuleDict({"block": nn.Linear(2, 2), "norm": nn.LayerNorm(2)}), "head": nn.Linear(2, 2)}
    )


def make(scheduler=None, hparams=None, **kwargs):
    return optimizer_factory(
        optimizer=kwargs.pop("optimizer", "SGD"),
        lr=0.8,
        params_to_be_optimized=module().parameters(),
        scheduler=scheduler,
        scheduler_hparams=hparams,
        **kwargs,
    )


def rates(config, steps):
    optimizer, scheduler = config["optimizer"], config["lr_scheduler"]["scheduler"]
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_optimisers_by_name():
    assert isinstance(make(optimizer=None)["optimizer"], torch.optim.Adam)
    built = make(optimizer="AdamW", optimizer_hparams={"weight_decay": 0.3})
    assert set(built) == {"optimizer"}
    assert built["optimizer"].defaults["weight_decay"] == 0.3
    assert built["optimizer"].defaults["lr"] == 0.8


def test_unknown_names_and_arguments():
    with pytest.raises(ArgumentError, match="did you mean 'AdamW'"):
        make(optimizer="adamw")
    with pytest.raises(ArgumentError, match="did you mean 'weight_decay'"):
        make(optimizer="AdamW", optimizer_hparams={"weight_decey": 0.1})
    with pytest.raises(ArgumentError, match="did you mean 'CosineAnnealingLR'"):
        make("CosineAnealingLR")
    with pytest.raises(ArgumentError, match="needs the argument 'T_max'"):
        make("CosineAnnealingLR")
    with pytest.raises(ArgumentError, match="no scheduler"):
        make(None, {"T_max": 3})
    with pytest.raises(ArgumentError, match="'epoch' or 'step'"):
        make("CosineAnnealingLR", {"T_max": 3, "interval": "batch"})


def test_a_plateau_scheduler_watches_what_it_is_told():
    config = make("ReduceLROnPlateau", {"patience": 3}, monitor="val/loss")["lr_scheduler"]
    assert config["monitor"] == "val/loss"
    assert config["interval"] == "epoch"
    assert config["scheduler"].patience == 3
    with pytest.raises(ArgumentError, match="once an epoch"):
        make("ReduceLROnPlateau", {"interval": "step"})


def test_warm_up_rises_to_the_full_rate_and_then_decays():
    found = rates(make("SequentialLR", WARMUP), 7)
    assert found[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8])
    assert found[5] < 0.8
    assert found[6] < found[5]


def test_three_schedulers_and_untouched_arguments():
    hparams = {
        "schedulers": {
            "LambdaLR": {"lr_lambda": "linear_warmup"},
            "ConstantLR": {"factor": 1.0},
            "ExponentialLR": {"gamma": 0.5},
        },
        "milestones": [2, 4],
        "interval": "step",
    }
    before = copy.deepcopy(hparams)
    config = make("SequentialLR", hparams)
    assert hparams == before
    assert config["lr_scheduler"]["interval"] == "step"
    assert rates(config, 7) == pytest.approx([0.4, 0.8, 0.8, 0.8, 0.8, 0.4, 0.2])
    make("SequentialLR", hparams)  # a second time


def test_a_warm_up_survives_its_state():
    config = make("SequentialLR", WARMUP)
    rates(config, 2)
    again = make("SequentialLR", WARMUP)
    again["optimizer"].load_state_dict(config["optimizer"].state_dict())
    again["lr_scheduler"]["scheduler"].load_state_dict(config["lr_scheduler"]["scheduler"].state_dict())
    assert rates(again, 2) == rates(config, 2)


@pytest.mark.parametrize(
    ("hparams", "message"),
    [
        ({"schedulers": {"StepLR": {"step_size": 1}}, "milestones": []}, "two or more"),
        ({**WARMUP, "milestones": [1, 2]}, "need 1 milestones"),
        ({**WARMUP, "milestones": [0]}, "must rise, from 1"),
        ({"schedulers": {"ReduceLROnPlateau": {}, "StepLR": {"step_size": 1}}, "milestones": [1]}, "watches a metric"),
        (
            {"schedulers": {"StepLR": {"step_size": 1}, "LambdaLR": {"lr_lambda": "linear_warmup"}}, "milestones": [1]},
            "cannot be the last",
        ),
        ({"schedulers": WARMUP["schedulers"]}, "needs the argument 'milestones'"),
    ],
)
def test_sequences_that_cannot_be(hparams, message):
    with pytest.raises(ArgumentError, match=message):
        make("SequentialLR", hparams)


def test_a_warm_up_alone_has_no_end():
    with pytest.raises(ArgumentError, match="SequentialLR"):
        make("LambdaLR", {"lr_lambda": "linear_warmup"})


def test_overrides_take_the_longest_match_and_every_parameter_once():
    model = module()
    groups = parameter_groups(model, 0.1, {"encoder": 0.01, "encoder.norm": 0.001})
    assert [(group["lr"], len(group["params"])) for group in groups] == [(0.1, 2), (0.01, 2), (0.001, 2)]
    assert sorted(map(id, model.parameters())) == sorted(id(p) for group in groups for p in group["params"])
    torch.optim.SGD(groups, lr=0.1)


def test_an_override_that_matches_nothing_is_named():
    with pytest.raises(ArgumentError, match=r"'encodr'.*did you mean 'encoder'"):
        parameter_groups(module(), 0.1, {"encodr": 0.1})
    frozen = module()
    frozen["encoder"].requires_grad_(requires_grad=False)
    with pytest.raises(ArgumentError, match="only frozen parameters, such as 'encoder"):
        parameter_groups(frozen, 0.1, {"encoder": 0.1})
    with pytest.raises(ArgumentError, match="nothing to train"):
        parameter_groups(frozen.requires_grad_(requires_grad=False), 0.1, None)


def test_frozen_parameters_are_left_out():
    model = module()
    model["encoder"].requires_grad_(requires_grad=False)
    (group,) = parameter_groups(model, 0.1, None)
    assert len(group["params"]) == 2
