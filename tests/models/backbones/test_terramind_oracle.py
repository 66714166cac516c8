"""TerraMind against the recorded numbers of the public implementation.

Of the recorded names, `terramind_v1_small` and `terramind_v1_large` are none, so nothing here holds them to numbers.
"""

from contextlib import nullcontext

import pytest
import torch
from oracle import cases, differences, load_manifests, load_oracle

from isthmus.errors import ArgumentError, ShapeError, UnknownNameError
from isthmus.models.backbones.terramind.catalog import TerraMindSizes
from isthmus.models.backbones.terramind.modalities import chosen_inputs
from isthmus.models.backbones.terramind.network import TerraMindEncoder
from isthmus.models.factories import EncoderDecoderFactory
from isthmus.models.temporal_wrapper import TemporalWrapper
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY, Entry
from isthmus.signatures import check_arguments

pytestmark = pytest.mark.real

# Recorded with the gated blocks of the larger variants, under the name of the smallest.
IDS = ("terramind_tok.ids.",)
# Recorded in the order of the dict; the order of `modalities` is kept here, whatever that of the dict.
IN_ORDER_OF_THE_DICT = "terramind.v1_tiny.merge_None/other_order"
# Recorded as refused; positions have been those of any grid since.
TAKEN = "terramind_tok.ids.LULC/ids_nonsquare"
REFUSED = {
    "terramind.v1_tiny.merge_bad/64": None,  # when it is built
    "terramind.v1_tiny.errors/unknown_only": "takes S2L2A, S1GRD, DEM, and was given FOO",
    "terramind.v1_tiny.errors/not_divisible": r"S2L2A: .* does not divide into patches",
    "terramind.v1_tiny.errors/different_sizes": r"S2L2A \(1, 12, 64, 64\), DEM \(1, 1, 96, 96\) give different",
    "terramind.v1_tiny.errors/wrong_channels": r"S2L2A: the encoder takes 12 bands \(COASTAL_AEROSOL, .* has 11",
    "terramind.v1_tiny.errors/empty": "was given nothing",
}
TOKENIZERS = "terramind_tok.tokenizer_"
# Halves of tokenizers that are not part of an encoder: the decoders, which are diffusion models but for LULC.
DECODERS = ("decoder.", "post_quant_proj.")


def encoders():
    every = [*cases("backbones", "terramind."), *cases("backbones", "terramind_tok.")]
    left_out = (TOKENIZERS, "terramind_tok.v1_tiny_tim", "terramind.v1_tiny.single_foo")
    return [case for case in every if not case["id"].startswith(left_out)]


def listed(chosen):
    slow = ("terramind.v1_base.", "terramind.v01_base.", "terramind_tok.v1_tiny")
    slow += ("terramind.v1_tiny.single_LULC", "terramind.v1_tiny.single_NDVI")
    return [pytest.param(c, id=c["id"], marks=pytest.mark.slow if c["id"].startswith(slow) else ()) for c in chosen]


def build(case):
    entry = ISTHMUS_BACKBONE_REGISTRY.entry(case["registry"])
    check_arguments(entry.signature(), case["kwargs"], case["registry"])
    if case["id"].startswith(IDS):
        entry = Entry(entry.name, gated_tiny)
    return entry.build(**case["kwargs"]).eval()


def gated_tiny(modalities, **kwargs):
    return TerraMindEncoder(chosen_inputs(modalities), (224, 224), TerraMindSizes(192, 12, 3, gated=True), **kwargs)


def filled(case):
    encoder = build(case)
    load_oracle().fill_(encoder, fixed=load_manifests().fixed_keys(case))
    return encoder


def built_part(manifest):
    """The entries of the recording that are built: a tokenizer within an encoder has no decoder."""
    for key, shape, kind, fixed in manifest:
        _, _, inside = key.partition("tokenizer.")
        if not inside.partition(".")[2].startswith(DECODERS):
            yield key, shape, kind, fixed


def check_manifest(encoder, case, manifest):
    state, parameters = encoder.state_dict(), dict(encoder.named_parameters())
    assert {key: tuple(tensor.shape) for key, tensor in state.items()} == {key: shape for key, shape, *_ in manifest}
    trained = {key for key, parameter in parameters.items() if parameter.requires_grad}
    assert trained == {key for key, _, kind, _ in manifest if kind == "trainable" and not key.startswith("tokenizer.")}
    check = load_oracle()
    for key, _, kind, fixed in manifest:
        if kind == "fixed" and fixed and "values" in fixed:
            probes = check.probe_indices(state[key].numel(), 16).tolist()
            assert state[key].flatten()[probes].tolist() == pytest.approx(fixed["values"], abs=1e-6), key
    if not any(key.startswith("tokenizer.") for key in state):
        assert sum(parameter.numel() for parameter in parameters.values()) == case["total_params"]


def call(encoder, run):
    inputs = load_oracle().make_inputs(run["inputs"])
    if run["id"] == "terramind_tok.ids.Coords/masked":
        inputs = {"x": {"Coords": inputs["ids"], "Coords_mask": inputs["mask"], "DEM": inputs["DEM"]}}
    with torch.no_grad():
        return encoder(inputs.pop("x", {}), **inputs), inputs


def with_tokens(run, features, encoder):
    """Where the recording holds the ids of a modality beside the features."""
    if "tokens_NDVI" not in run["outputs"]:
        return features
    x = load_oracle().make_inputs(run["inputs"])["x"]
    return {"features": features, "tokens_NDVI": encoder.tokenizer["tok_ndvi@224"].tokenize(x["NDVI"])}


@pytest.mark.parametrize("case", listed(case for case in encoders() if case["id"] != "terramind.v1_tiny.merge_bad"))
@pytest.mark.filterwarnings("ignore:the input '(FOO|image_size)' is none of the modalities")
def test_agrees_with_the_recorded_outputs(case, shared):
    encoder = filled(case)
    check_manifest(encoder, case, list(built_part(load_manifests().manifest(case))))
    assert encoder.out_channels == case["out_channels"]
    assert encoder.modalities == case["modalities"]
    assert {name: each.key for name, each in encoder.inputs.items()} == case["mod_name_mapping"]
    assert case.get("patch_size", [16, 16]) == list(encoder.patch_size)
    for run in case.get("runs", []):
        if "outputs" in run and run["id"] != IN_ORDER_OF_THE_DICT:
            features, _ = call(encoder, run)
            assert differences(run["outputs"], with_tokens(run, features, encoder)) == [], run["id"]


def test_the_order_of_tokens_is_that_of_the_modalities_whatever_that_of_the_dict(shared):
    [case] = cases("backbones", "terramind.v1_tiny.merge_None")
    [run] = [run for run in case["runs"] if run["id"] == IN_ORDER_OF_THE_DICT]
    features, _ = call(filled(case), run)
    assert list(run["inputs"]["x"]["items"]) == ["DEM", "S2L2A", "S1GRD"]
    rolled = [feature.roll(16, dims=1) for feature in features]  # S2L2A, S1GRD, DEM: 16 tokens each
    assert differences(run["outputs"], rolled) == []


@pytest.mark.parametrize(
    ("case", "run"),
    [pytest.param(c, r, id=r["id"]) for c in encoders() for r in c.get("runs", []) if "raises" in r],
)
def test_refuses_the_inputs_that_are_recorded_as_refused(case, run, shared):
    if run["id"] == TAKEN:
        features, _ = call(build(case), run)
        assert features[-1].shape == (1, 48, 192)
    elif REFUSED[run["id"]] is None:
        with pytest.raises(ArgumentError, match="merge_method has no choice 'sum'; it is mean, max, concat, dict or"):
            build(case)
    else:
        warned = pytest.warns(UserWarning, match="'FOO'") if "unknown" in run["id"] else nullcontext()
        with warned, pytest.raises(ShapeError, match=REFUSED[run["id"]]):
            call(build(case), run)


def test_refuses_an_unknown_modality_when_it_is_built(shared):
    [case] = cases("backbones", "terramind.v1_tiny.single_foo")
    with pytest.raises(ArgumentError, match="TerraMind has no modality 'foo'"):
        build(case)


@pytest.mark.parametrize("case", listed(cases("backbones", "temporal.terramind.")))
def test_agrees_with_the_recorded_time_series(case, shared):
    kwargs = {name: value for name, value in case["kwargs"].items() if name != "use_temporal"}
    wrapper = TemporalWrapper(build(case | {"kwargs": kwargs})).eval()
    load_oracle().fill_(wrapper, fixed=load_manifests().fixed_keys(case))
    [run] = case["runs"]
    assert differences(run["outputs"], call(wrapper, run)[0]) == []


@pytest.mark.parametrize("case", listed(cases("models", "model.seg.terramind.")))
def test_models_agree_with_the_recorded_outputs(case, shared):
    model = EncoderDecoderFactory().build_model(**case["kwargs"]).eval()
    load_oracle().fill_(model, fixed=load_manifests().fixed_keys(case))
    assert sum(parameter.numel() for parameter in model.parameters()) == case["total_params"]
    for run in case["runs"]:
        output, _ = call(model, run)
        assert differences(run["outputs"], {"output": output.output}) == [], run["id"]


def test_thinking_in_modalities_is_not_built(shared):
    """Recorded are the names of its parameters alone, and no number that a sampler could be held to."""
    [case] = cases("backbones", "terramind_tok.v1_tiny_tim")
    assert "runs" not in case or case["runs"] == []
    with pytest.raises(UnknownNameError, match="no backbone is called 'terramind_v1_tiny_tim'"):
        build(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in cases("backbones", TOKENIZERS)])
def test_tokenizers_agree_with_the_recorded_outputs(case, shared):
    has_decoder = case["registry"].endswith("lulc")
    tokenizer = ISTHMUS_BACKBONE_REGISTRY.build(case["registry"], with_decoder=has_decoder).eval()
    recorded = load_manifests().manifest(case)
    manifest = {key: shape for key, shape, *_ in recorded if has_decoder or not key.startswith(DECODERS)}
    assert {key: tuple(tensor.shape) for key, tensor in tokenizer.state_dict().items()} == manifest
    if case.get("runs"):
        load_oracle().fill_(tokenizer, fixed=load_manifests().fixed_keys(case))
    for run in case.get("runs", []):
        assert differences(run["outputs"], tokenizer_outputs(tokenizer, run)) == [], run["id"]


@torch.no_grad()
def tokenizer_outputs(tokenizer, run):
    inputs = load_oracle().make_inputs(run["inputs"])
    name, no_loss = run["id"].rpartition("/")[2], torch.zeros(1)
    if name == "decode_tokens":
        return tokenizer.decode(inputs["tokens"])
    if name == "forward_256":
        return [tokenizer.reconstruct(inputs["x"]), no_loss]
    [features] = tokenizer(inputs["x"])
    quantized, tokens = tokenizer.quantise(inputs["x"])
    named = {"encoder_out": features, "quantized": quantized, "tokens": tokens, "code_loss": no_loss}
    return named | {"latent": tokenizer.quant_proj(features)}
