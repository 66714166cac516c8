"""Prithvi against the recorded numbers of the public implementation."""

import pytest
import torch
from oracle import cases, differences, load_manifests, load_oracle

from isthmus.errors import ArgumentError, ShapeError
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.signatures import check_arguments

pytestmark = pytest.mark.real

REFUSED_DIFFERENTLY = {
    "prithvi.tiny.overlay_removed": "pretrained_cfg_overlay",
    "prithvi.v2_tiny_tl.t3_tubelet3": "a patch covers one frame",
}
BUILT_HERE = ("prithvi.tiny.vit_adapter_unavailable",)  # the adapter goes around every variant of the patch size 16
LARGE = ("prithvi.v2_300.", "prithvi.v2_300_tl.t3", "prithvi.v1_100.t3", "prithvi.v2_100_tl")
SLOW = pytest.mark.slow


def listed(select):
    chosen = [case for case in cases("backbones", "prithvi.") if select(case)]
    return [pytest.param(case, id=case["id"], marks=SLOW if case["id"].startswith(LARGE) else ()) for case in chosen]


def build(case):
    entry = ISTHMUS_BACKBONE_REGISTRY.entry(case["registry"])
    check_arguments(entry.signature(), case["kwargs"], case["registry"])
    return entry.build(**case["kwargs"])


def as_images(features, encoder, size):
    """The grids that the tokens stand for, time folded into the channels, from the specs alone."""
    images = []
    for feature, spec in zip(features, encoder.feature_specs, strict=True):
        height, width = (int(pixels // stride) for pixels, stride in zip(size, spec.stride, strict=True))
        grid = feature[:, spec.prefix_tokens :].unflatten(1, (spec.time_steps, height, width))
        images.append(grid.permute(0, 1, 4, 2, 3).flatten(1, 2))
        assert images[-1].shape[1] == spec.out_channels
    return images


def recorded_form(recorded, features, encoder, size):
    """`features` under the names of the recording: some of them hold images beside."""
    if any(path.startswith("image/") for path in recorded):
        return {"features": features, "image": as_images(features, encoder, size)}
    return features


def made_for(frames, encoder, case):
    """The encoder for a number of frames, which the public implementation does not hold it to."""
    if frames == encoder.num_frames:
        return encoder
    with pytest.raises(ShapeError, match=f"build it with num_frames {frames}"):
        encoder(torch.zeros(1, encoder.in_channels, frames, 64, 64))
    other = build(case | {"kwargs": case["kwargs"] | {"num_frames": frames}}).eval()
    other.load_state_dict({key: each for key, each in encoder.state_dict().items() if key != "pos_embed"}, strict=False)
    return other


def check_runs(encoder, case, outputs="outputs"):
    check = load_oracle()
    compared = 0
    for run in case["runs"]:
        if outputs not in run:
            continue
        inputs = check.make_inputs(run["inputs"])
        x = inputs.pop("x")
        used = made_for(x.shape[2] if x.ndim == 5 else 1, encoder, case)
        with torch.no_grad():
            features = used(x, **inputs)
        found = recorded_form(run[outputs], features, used, x.shape[-2:])
        assert differences(run[outputs], found) == [], run["id"]
        compared += 1
    return compared


def check_manifest(encoder, case):
    """The same names and shapes, the same parameters trained, the same constants."""
    state, parameters = encoder.state_dict(), dict(encoder.named_parameters())
    manifest = load_manifests().manifest(case)
    assert {key: tuple(tensor.shape) for key, tensor in state.items()} == {key: shape for key, shape, *_ in manifest}
    assert set(parameters) == {key for key, _, kind, _ in manifest if kind == "trainable"}
    check = load_oracle()
    for key, _, kind, fixed in manifest:
        if kind == "fixed" and fixed and "values" in fixed:
            probes = check.probe_indices(state[key].numel(), 16).tolist()
            assert state[key].flatten()[probes].tolist() == pytest.approx(fixed["values"], abs=1e-7), key
    assert sum(parameter.numel() for parameter in parameters.values()) == case["total_params"]


@pytest.mark.parametrize("case", listed(lambda case: case.get("runs")))
@pytest.mark.filterwarnings("ignore:the image of shape .* is no multiple of the patch")
def test_agrees_with_the_recorded_outputs(case, shared):
    encoder = build(case).eval()
    check_manifest(encoder, case)
    per_block = case["out_channels"][0]
    assert encoder.out_channels == [per_block] * len(case["out_indices"])  # recorded: as long as the depth, always
    assert list(encoder.patch_size) == case["patch_size"]
    assert encoder.bands == case["model_bands"]
    load_oracle().fill_(encoder, fixed=load_manifests().fixed_keys(case))
    assert check_runs(encoder, case) == sum("outputs" in run for run in case["runs"])


@pytest.mark.parametrize("case", listed(lambda case: case.get("built_on") == "meta"))
def test_has_the_recorded_parameters_when_it_is_built_on_meta(case, shared):
    with torch.device("meta"):
        encoder = build(case)
    assert all(tensor.is_meta for tensor in encoder.state_dict().values())
    check_manifest(encoder, case)
    assert encoder.out_channels == case["out_channels"]


@pytest.mark.parametrize("case", listed(lambda case: "build_raises" in case and case["id"] not in BUILT_HERE))
def test_refuses_what_is_recorded_as_refused(case, shared):
    with pytest.raises(ArgumentError, match=REFUSED_DIFFERENTLY[case["id"]]):
        build(case)


@pytest.mark.parametrize(
    ("case", "run"),
    [
        pytest.param(case, run, id=run["id"])
        for case in cases("backbones", "prithvi.")
        for run in case.get("runs", [])
        if "raises" in run
    ],
)
def test_refuses_the_inputs_that_are_recorded_as_refused(case, run, shared):
    inputs = load_oracle().make_inputs(run["inputs"])
    with pytest.raises(ShapeError, match="the encoder takes"):
        build(case)(**inputs)


def mae_checkpoint(layout):
    """The state of the masked autoencoder that was loaded in the recordings, in the layout of the first or second."""
    [case] = cases("backbones", "prithvi_load.mae.into_mae")
    check = load_oracle()
    state = {}
    for key, shape, kind, _ in load_manifests().manifest(case):
        tensor = torch.zeros(shape)
        if kind != "fixed":
            tensor.copy_(torch.from_numpy(check.fill_value(key, shape)))
        state[key.removeprefix("encoder.").removeprefix("decoder.") if layout == "v1" else key] = tensor
    return state


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case["id"])
        for case in cases("backbones", "prithvi_load.")
        if not case["registry"].endswith("_mae")  # full models
    ],
)
def test_loads_the_recorded_checkpoints(case, shared, tmp_path):
    path = tmp_path / "Prithvi.pt"
    torch.save(mae_checkpoint(case["id"].split(".")[1]), path)
    encoder = build(case | {"kwargs": case["kwargs"] | {"ckpt_path": str(path)}}).eval()
    check_manifest(encoder, case)
    assert check_runs(encoder, case) == len(case["runs"])
    report = encoder.weights_report
    assert report.random == ()
    assert bool(report.adapted) == ("bands" in case["kwargs"])
    assert any("decoder_blocks" in key for key in report.ignored)
