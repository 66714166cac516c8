"""The heads against the recorded reference."""

import pytest
import torch
from oracle import cases, differences, load_manifests, load_oracle
from torch import nn

from isthmus.errors import ArgumentError
from isthmus.models import heads

pytestmark = pytest.mark.real

CASES = cases("decoders", "head.")

REFUSED = {"head.seg.missing": TypeError, "head.cls.none": ArgumentError}
# Deliberate differences.
DIFFERENT = {
    "head.reg.list_nobn": "the reference normalises although batch_norm is false",
    "head.reg.badact2": "the reference takes activations by their full path only",
}


def built(case: dict) -> nn.Module:
    arguments = dict(case["kwargs"])
    if arguments.get("final_act") == "Sigmoid()":
        arguments["final_act"] = nn.Sigmoid()
    return getattr(heads, case["registry"])(**arguments).eval()


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in CASES])
@pytest.mark.filterwarnings("ignore:num_outputs and num_classes are both given")
def test_agrees_with_the_reference(shared, case):
    if case["id"] in REFUSED:
        with pytest.raises(REFUSED[case["id"]]):
            built(case)
        return
    if case["id"] in DIFFERENT:
        built(case)
        return
    assert "build_raises" not in case
    expected = [(key, shape) for key, shape, *_ in load_manifests().manifest(case)]
    assert [(key, tuple(value.shape)) for key, value in built(case).state_dict().items()] == expected
    for run in case["runs"]:
        x = load_oracle().make_inputs(run["inputs"])["x"]
        for scheme, key in (("std02", "outputs"), ("fanin", "outputs_fanin")):
            if key in run:
                head = built(case)
                load_oracle().fill_(head, fixed=load_manifests().fixed_keys(case), scheme=scheme)
                with torch.no_grad():
                    assert differences(run[key], head(x)) == []


def test_the_reference_disagrees_only_where_it_is_listed(shared):
    names = {case["id"] for case in CASES}
    assert {*REFUSED, *DIFFERENT} <= names
    assert len(CASES) == 13
