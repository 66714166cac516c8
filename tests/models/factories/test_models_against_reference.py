"""Whole models against the recorded outputs of the reference implementation."""

import pytest
from oracle import cases, differences, load_manifests, load_oracle

from isthmus.errors import ArgumentError, CompositionError, IsthmusError, UnknownNameError
from isthmus.models import EncoderDecoderFactory

pytestmark = pytest.mark.real

# What the reference records and Isthmus means to do otherwise.
DIFFERENT = {
    "model.seg.linear": "builds: a decoder that includes its head is told the number of classes",
    "model.seg.linear.head_differs": "refused: the reference puts a second head behind the decoder's own",
    "model.cls.mlp": "builds: AggregateTokens says that it gives one feature per index it takes",
}
# Held in the tests of their families.
ELSEWHERE = {"model.seg.terramind.concat", "model.seg.dofa", "model.seg.clay_v1", "model.seg.clay_v1.noneck"}
# A task that a later version brings.
LATER = {"model.embed.noneck"}
# The reference keeps these encoders inside another module, with their classifiers and the norms in front of those.
INSIDE = {"model.seg.resnet18": "resnet_model.", "model.seg.swin_t": "swin_model."}
CLASSIFIERS = ("encoder.fc.", "encoder.head.", "encoder.norm.")
RAISES = {
    "model.seg.linear.headargs": ArgumentError,
    "model.seg.linear.head_differs": ArgumentError,
    "model.scalar_reg.both": ArgumentError,
    "model.err.nodecoder": ArgumentError,
    "model.err.unknown_backbone": UnknownNameError,
    "model.err.unknown_decoder": UnknownNameError,
    "model.err.bad_decoder_kw": ArgumentError,
    "model.err.bad_head_kw": ArgumentError,
    "model.err.cls_noclasses": ArgumentError,
    "model.err.aux_unknown": ArgumentError,
    "model.peft.nomatch": ArgumentError,
}
CASES = [case for case in cases("models", "model.") if case["registry"] == "EncoderDecoderFactory"]
RUN = [case for case in CASES if case["id"] not in LATER | ELSEWHERE]


def test_every_case_is_run_or_listed(shared):
    assert len(CASES) == 43
    assert len(RUN) == 38
    assert set(DIFFERENT) | LATER | ELSEWHERE | set(RAISES) <= {case["id"] for case in CASES}


@pytest.mark.parametrize("case", RUN, ids=lambda case: case["id"])
@pytest.mark.filterwarnings("ignore:.*scale_modules", "ignore:peft_config. the encoder under the adapters")
def test_model(shared, case):
    kwargs = dict(case["kwargs"])
    if case["id"] in RAISES:
        with pytest.raises(RAISES[case["id"]]) as caught:
            EncoderDecoderFactory().build_model(**kwargs)
        assert isinstance(caught.value, IsthmusError)
        return
    model = EncoderDecoderFactory().build_model(**kwargs).eval()
    if case["id"] in DIFFERENT:
        return
    check = load_oracle()
    inside = INSIDE.get(case["id"], "")
    recorded = {key.replace(inside, ""): shape for key, shape, *_ in load_manifests().manifest(case)}
    state = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    assert {key: shape for key, shape in recorded.items() if not (inside and key.startswith(CLASSIFIERS))} == state
    if not inside:
        assert sum(parameter.numel() for parameter in model.parameters()) == case["total_params"]
    check.fill_(
        model,
        fixed={key.replace(inside, "") for key in load_manifests().fixed_keys(case)},
        rename=lambda key: key.replace("encoder.", f"encoder.{inside}", 1) if key.startswith("encoder.") else key,
    )
    if case["patch_size"] is None:
        model.size_multiple = None  # the reference does not pad where it finds no patch
    elif model.patch_size is not None:
        # The reference always pads to twice the patch size, Isthmus to what the necks need.
        patch = model.patch_size if isinstance(model.patch_size, list) else [model.patch_size]
        model.size_multiple = (
            [2 * size for size in patch] if len(patch) < 3 else [patch[0], *(2 * p for p in patch[1:])]
        )
    for run in case["runs"]:
        if "image_size" in run["inputs"]:
            continue  # Isthmus is told the size of the map when it builds the model: model.seg.image_size_out
        inputs = check.make_inputs(run["inputs"])
        output = model(inputs["x"])
        assert not differences(run["outputs"], {"output": output.output, "aux": output.auxiliary_heads}), run["id"]


def test_a_decoder_that_includes_its_head_is_told_the_number_of_classes(shared):
    (case,) = cases("models", "model.seg.linear")[:1]
    model = EncoderDecoderFactory().build_model(**case["kwargs"])
    assert model.decoder.out_channels == case["kwargs"]["num_classes"]


def test_contradicting_numbers_of_classes_are_refused(shared):
    (case,) = cases("models", "model.seg.linear.head_differs")
    with pytest.raises(ArgumentError, match="contradicts"):
        EncoderDecoderFactory().build_model(**case["kwargs"])
    assert issubclass(CompositionError, ValueError)
