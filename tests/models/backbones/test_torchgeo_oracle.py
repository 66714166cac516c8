"""ResNets, ViT-S and Swin for satellite images against the recorded numbers of the public implementation."""

import pytest
import torch
from oracle import cases, differences, load_manifests, load_oracle

from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.signatures import check_arguments

pytestmark = pytest.mark.real

MODULES = {"resnet": "resnet_model.", "torchgeo_vit": "vit_model.", "satlas_swin": "swin_model."}
# The classifier, and the normalisation before it, which no feature passes.
NOT_OURS = {"fc.weight", "fc.bias", "norm.weight", "norm.bias", "head.weight", "head.bias"}
# Recorded as returning every block whatever was asked for.
IGNORES_OUT_INDICES = "torchgeo_vit.ssl4eol_vit_small_patch16_224_landsat_oli_sr_moco.l8"
LARGE = ("satlas_swin.satlas_swin_b", "resnet.satlas_resnet152")

RECORDED = [
    pytest.param(case, id=case["id"], marks=pytest.mark.slow if case["id"].startswith(LARGE) else ())
    for family in MODULES
    for case in cases("backbones", f"{family}.")
    if case.get("runs")
]


def check_names(encoder, case, module):
    """The same names and shapes but for the classifier, and the same constants."""
    state = encoder.state_dict()
    recorded = {key.removeprefix(module): entry for key, *entry in load_manifests().manifest(case)}
    assert {key: tuple(tensor.shape) for key, tensor in state.items()} == {
        key: tuple(shape) for key, (shape, *_) in recorded.items() if key not in NOT_OURS
    }
    probe = load_oracle().probe_indices
    for key, (_, kind, *info) in recorded.items():
        if kind == "fixed" and info and "values" in info[0]:
            values = state[key].flatten()[probe(state[key].numel(), 16).tolist()].tolist()
            assert values == pytest.approx(info[0]["values"], abs=1e-6), key


@pytest.mark.parametrize("case", RECORDED)
def test_agrees_with_the_recorded_outputs(case, shared):
    check, module = load_oracle(), MODULES[case["family"]]
    entry = ISTHMUS_BACKBONE_REGISTRY.entry(case["registry"])
    check_arguments(entry.signature(), case["kwargs"], case["registry"])
    encoder = entry.build(**case["kwargs"]).eval()
    check_names(encoder, case, module)
    chosen = case["kwargs"]["out_indices"] if case["id"] == IGNORES_OUT_INDICES else range(len(case["out_channels"]))
    assert encoder.out_channels == [case["out_channels"][index] for index in chosen]
    fixed = {key.removeprefix(module) for key in load_manifests().fixed_keys(case)}
    for run in case["runs"]:
        x = check.make_inputs(run["inputs"])["x"]
        for scheme, outputs in (("std02", "outputs"), ("fanin", "outputs_fanin")):
            if outputs not in run:
                continue
            check.fill_(encoder, fixed=fixed, scheme=scheme, rename=lambda key: module + key)
            wanted = {str(place): run[outputs][str(index)] for place, index in enumerate(chosen)}
            with torch.no_grad():
                assert differences(wanted, encoder(x)) == [], (run["id"], outputs)


def test_bands_need_not_be_given(shared):
    """Recorded as an error; the bands of the weights stand for it."""
    [case] = [case for case in cases("backbones", "resnet.") if case["id"].endswith(".no_bands")]
    assert ISTHMUS_BACKBONE_REGISTRY.build(case["registry"], **case["kwargs"]).bands == ["RED", "GREEN", "BLUE"]


def test_a_name_is_registered_that_is_recorded_as_missing(shared):
    [case] = [case for case in cases("backbones", "satlas_swin.") if case["id"].endswith(".unregistered")]
    with torch.device("meta"):
        assert ISTHMUS_BACKBONE_REGISTRY.build(case["registry"], **case["kwargs"]).in_channels == 11
