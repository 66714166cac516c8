"""The decoders against the recorded reference."""

import warnings

import pytest
import torch
from oracle import cases, differences, load_manifests, load_oracle
from torch import nn

from isthmus.errors import ArgumentError, CompositionError, ShapeError
from isthmus.models import decoders

pytestmark = pytest.mark.real

FAMILIES = ("fcn", "unet", "upernet", "linear", "mlp", "identity", "aspp")
CASES = [case for family in FAMILIES for case in cases("decoders", f"decoder.{family}.")]
PYRAMID = [24, 48, 96, 192]

# What the reference refuses while it builds, and so do we, with errors of our own where Python has none.
REFUSED = {
    "decoder.fcn.n0": ArgumentError,
    "decoder.unet.badlen": CompositionError,
    "decoder.unet.nochannels": TypeError,
    "decoder.unet.instancenorm": ArgumentError,
    "decoder.unet.inplace": ArgumentError,
    "decoder.upernet.three_scale": CompositionError,
    "decoder.linear.missing": TypeError,
    "decoder.mlp.badact": ArgumentError,
    "decoder.aspp.ASPPSegmentationHead.noargs": TypeError,
}
REFUSED_RUNS = {"decoder.mlp.flat/tokens3d": ShapeError, "decoder.mlp.flat/pyr": ShapeError}

# Deliberate differences: the reference fails here, and we do not.
WORKS_HERE = {
    "decoder.unet.scse": "the attention of a level with few channels is left without any in the reference",
    "decoder.aspp.ASPPSegmentationHead.select": "a list of one index is not unpacked in the reference",
    "decoder.aspp.ASPPRegressionHead.select": "the same",
    "decoder.aspp.ASPPRegressionHead.noargs": "the reference wants in_channels by hand; here the features tell",
}
WARNS = {
    "decoder.upernet.scale_pyr": "scale_modules is deprecated",
    "decoder.upernet.three_scale": "scale_modules is deprecated",
    "decoder.mlp.gelu": "has no effect",
}


def built(case: dict) -> nn.Module:
    constructor = getattr(decoders, case["registry"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            return constructor(case.get("channel_list") or PYRAMID, **case["kwargs"]).eval()
        finally:
            expected = WARNS.get(case["id"])
            assert bool(caught) == (expected is not None), [str(each.message) for each in caught]
            assert all(expected in str(each.message) for each in caught)


def runs() -> list:
    return [
        pytest.param(case, run, id=run["id"])
        for case in CASES
        for run in case.get("runs", [])
        if case["id"] not in WORKS_HERE
    ]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in CASES])
def test_builds_like_the_reference(shared, case):
    if case["id"] in REFUSED:
        with pytest.raises(REFUSED[case["id"]]):
            built(case)
        return
    decoder = built(case)
    if case["id"] in WORKS_HERE:
        return
    assert "build_raises" not in case
    expected = [(key, shape) for key, shape, *_ in load_manifests().manifest(case)]
    assert [(key, tuple(value.shape)) for key, value in decoder.state_dict().items()] == expected
    if case.get("out_channels") is not None:
        assert decoder.out_channels == case["out_channels"]
    if case.get("attributes", {}).get("includes_head"):
        assert decoder.includes_head


@pytest.mark.parametrize(("case", "run"), runs())
def test_computes_like_the_reference(shared, case, run):
    x = load_oracle().make_inputs(run["inputs"])["x"]
    if run["id"] in REFUSED_RUNS:
        with pytest.raises(REFUSED_RUNS[run["id"]]):
            built(case)(x)
        return
    for scheme, key in (("std02", "outputs"), ("fanin", "outputs_fanin")):
        if key in run:
            decoder = built(case)
            load_oracle().fill_(decoder, fixed=load_manifests().fixed_keys(case), scheme=scheme)
            with torch.no_grad():
                assert differences(run[key], decoder(x)) == []


@pytest.mark.parametrize("name", [name for name in WORKS_HERE if not name.endswith("noargs")])
def test_works_where_the_reference_fails(shared, name):
    (case,) = [case for case in CASES if case["id"] == name]
    for run in case["runs"]:
        assert "raises" in run
        with torch.no_grad():
            x = load_oracle().make_inputs(run["inputs"])["x"]
            out = built(case)(x)
        where = case["kwargs"].get("in_index", [0])[0]
        assert out.shape[2:] == x[where].shape[2:]
        assert torch.isfinite(out).all()


def test_selecting_by_a_list_is_selecting_by_its_index(shared):
    """The case that the reference fails at has the numbers of the one where the index stands alone."""
    (alone,) = cases("decoders", "decoder.aspp.ASPPRegressionHead.idx1")
    (run,) = alone["runs"]
    selected = decoders.ASPPRegressionHead(
        PYRAMID, out_channels=2, channels=16, align_corners=True, input_transform="multiple_select", in_index=[1]
    ).eval()
    load_oracle().fill_(selected)
    with torch.no_grad():
        assert differences(run["outputs"], selected(load_oracle().make_inputs(run["inputs"])["x"])) == []


def test_the_reference_disagrees_only_where_it_is_listed(shared):
    """Every case is compared, refused by both, or listed; the tables hold nothing that is not there."""
    names = {case["id"] for case in CASES}
    assert {*REFUSED, *WORKS_HERE, *WARNS} <= names
    compared = [run for case in CASES if case["id"] not in WORKS_HERE for run in case.get("runs", [])]
    agreeing = [run for run in compared if run["id"] not in REFUSED_RUNS]
    assert all("outputs" in run for run in agreeing)
    assert (len(CASES), len(REFUSED), len(agreeing), len(REFUSED_RUNS), len(WORKS_HERE)) == (34, 9, 36, 2, 4)
