"""The necks against the recorded reference."""

import warnings

import pytest
import torch
from oracle import cases, differences, load_manifests, load_oracle

from isthmus.errors import ArgumentError, CompositionError, IsthmusError, ShapeError, UnknownNameError
from isthmus.models.necks import NeckSequential, build_neck_list

pytestmark = pytest.mark.real

CASES = cases("necks")

# What the reference refuses while it builds, and so do we, with errors of our own.
REFUSED = {
    "neck.agg.dropcls_cls": ArgumentError,
    "neck.permute.noarg": ArgumentError,
    "neck.learned.three": CompositionError,
    "neck.unknown": UnknownNameError,
}

# What the reference refuses or fails at in its forward pass, and so do we.
REFUSED_RUNS = {
    "neck.select.short/two": ShapeError,
    "neck.reshape.keepcls/sq_cls": ShapeError,
    "neck.reshape.keepcls/2x8_looks_square": ShapeError,
    "neck.reshape.keepcls/2d": ShapeError,
    "neck.reshape.h4/5x7_cls": ShapeError,
}

# Where the reference fails late, we refuse while building.
REFUSED_EARLIER = {
    "neck.agg.badpool": ArgumentError,
    "neck.interp.badmode": ArgumentError,
}

# Deliberate differences: what raises here, and what gives something else (with a test of its own below).
RAISES_HERE = {
    # 36 tokens of a 5 x 7 grid with its class token are no 6 x 6 grid
    "neck.reshape.keepcls/5x7_cls": ShapeError,
    "neck.reshape.keepcls/4x6_cls": ShapeError,
    "neck.reshape.keepcls/7x5_cls": ShapeError,
    "neck.reshape.keepcls/bad_size": ShapeError,
    "neck.reshape.keepcls/image_passthrough": ShapeError,
    # interpolating tokens would stretch their channels
    "neck.interp.default/tok": ShapeError,
}
DIFFERENT_OUTPUT = {
    "neck.agg.CLS/5d": "the reference takes the first frame whole; here it is the first position of every frame",
    "neck.agg.indices0/tok": "the reference takes an index of 0 for none given",
    "neck.reshape.temporal/btchw": "the reference folds time into the batch of grids, though not of tokens",
    "neck.fpn.default/pyr": "the reference hands out a dict by default, here it must be asked for",
    "neck.reshape.sticky/nocls_then_cls": "two calls on one instance, which remembers the first in the reference",
    "neck.reshape.sticky/second_call_on_cls_tokens": "the same",
}
# The reference hands on the channels of features that are no longer there.
ONE_CHANNEL_ENTRY = "neck.agg."


def built(case: dict) -> tuple[NeckSequential, list[int]]:
    necks, channels = build_neck_list(case["kwargs"]["necks"], case.get("channel_list_in") or [24])
    return NeckSequential(*necks).eval(), channels


def inputs(run: dict) -> tuple[list, tuple | None]:
    given = load_oracle().make_inputs(run["inputs"])
    size = given.get("image_size")
    return given["x"], None if size is None else tuple(size)


def runs() -> list:
    return [pytest.param(case, run, id=run["id"]) for case in CASES for run in case.get("runs", [])]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in CASES])
def test_builds_like_the_reference(shared, case):
    expected = REFUSED.get(case["id"], REFUSED_EARLIER.get(case["id"]))
    if expected is not None:
        with pytest.raises(expected):
            built(case)
        return
    assert "build_raises" not in case
    sequence, channels = built(case)
    recorded = case.get("attributes", {}).get("channel_list_out", channels)
    assert channels == (recorded[:1] if case["id"].startswith(ONE_CHANNEL_ENTRY) else recorded)
    manifest = load_manifests().manifest(case)
    state = sequence.state_dict()
    assert [(key, tuple(value.shape)) for key, value in state.items()] == [(key, shape) for key, shape, *_ in manifest]


@pytest.mark.parametrize(("case", "run"), runs())
def test_computes_like_the_reference(shared, case, run):
    name = run["id"]
    if name in DIFFERENT_OUTPUT or case["id"] in REFUSED_EARLIER:
        return
    x, size = inputs(run)
    expected = (REFUSED_RUNS | RAISES_HERE).get(name)
    if expected is not None:
        with pytest.raises(expected):
            built(case)[0](x, image_size=size)
        return
    for scheme, key in (("std02", "outputs"), ("fanin", "outputs_fanin")):
        if key in run:
            sequence, _ = built(case)
            load_oracle().fill_(sequence, fixed=load_manifests().fixed_keys(case), scheme=scheme)
            with torch.no_grad():
                assert differences(run[key], sequence(x, image_size=size)) == []


def test_the_reference_disagrees_only_where_it_is_listed(shared):
    """31 cases with 59 runs: 40 give the same numbers, 7 are refused by both, 12 differ for a reason."""
    recorded = {run["id"] for case in CASES for run in case.get("runs", [])}
    listed = {*REFUSED_RUNS, *RAISES_HERE, *DIFFERENT_OUTPUT}
    assert listed <= recorded
    assert {*REFUSED, *REFUSED_EARLIER} <= {case["id"] for case in CASES}
    assert len(CASES) == 31
    different = {*RAISES_HERE, *DIFFERENT_OUTPUT}
    refused_in_both = {*REFUSED_RUNS} | {name for name in recorded if name.split("/")[0] in REFUSED_EARLIER}
    assert (len(recorded), len(refused_in_both), len(different)) == (59, 7, 12)


def test_first_position_of_every_frame(shared):
    x = torch.randn(2, 24, 3, 5, 7)
    (neck,), _ = build_neck_list([{"name": "AggregateTokens", "pooling": "CLS"}], [24])
    torch.testing.assert_close(neck([x])[0], x[..., 0, 0].transpose(1, 2))


def test_index_zero_is_an_index():
    features = [torch.randn(2, 17, 24) for _ in range(3)]
    (neck,), _ = build_neck_list([{"name": "AggregateTokens", "indices": 0}], [24] * 3)
    torch.testing.assert_close(neck(features)[0], features[0].mean(1))


def test_grids_in_time_pass_unchanged():
    (neck,), _ = build_neck_list([{"name": "ReshapeTokensToImage", "temporal_inputs": True}], [24])
    x = torch.randn(2, 3, 24, 4, 4)
    assert neck([x])[0] is x


def test_feature_pyramid_network_hands_out_either(shared):
    (case,) = cases("necks", "neck.fpn.default")
    (run,) = case["runs"]
    x, size = inputs(run)
    op = case["kwargs"]["necks"][0]
    for ordered in (False, True):
        necks, _ = build_neck_list([{**op, "output_ordered_dict": ordered}], case["channel_list_in"])
        sequence = NeckSequential(*necks).eval()
        load_oracle().fill_(sequence, fixed=set())
        with torch.no_grad():
            out = sequence(x, image_size=size)
        assert differences(run["outputs"], out if ordered else {f"feat{i}": each for i, each in enumerate(out)}) == []


def test_no_call_changes_the_next(shared):
    """The reference stops removing class tokens for good after the first input without one."""
    (case,) = cases("necks", "neck.reshape.sticky")
    given = load_oracle().make_inputs(case["runs"][0]["inputs"])
    (neck,), _ = build_neck_list(case["kwargs"]["necks"], [24])
    with pytest.warns(UserWarning, match="set remove_cls_token to False"):
        first = neck(given["a"], image_size=(80, 112))
    assert differences({"0": case["runs"][0]["outputs"]["first/0"]}, first) == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second = neck(given["b"], image_size=(64, 64))
    assert second[0].shape == (1, 24, 4, 4)
    assert neck.remove_cls_token is True


def test_errors_have_one_root():
    assert all(issubclass(error, IsthmusError) for error in {*REFUSED.values(), *REFUSED_RUNS.values()})
