"""Our blocks and networks against the recorded ones of SLEAP: structure, shapes, numbers, errors."""

import collections
import functools

import pytest
import torch
from block_cases import FOLDER, Numbers, all_cases, build, ids, keras_names, numeric_ids
from torch import nn

from isthmus.blocks import DecoderBlock, EncoderBlock, EncoderDecoder, SimpleUpsamplingBlock, UNet
from isthmus.blocks.stack import Stack
from isthmus.blocks.stacked_hourglass import StackedHourglass
from isthmus.errors import ArgumentError, CompositionError

pytestmark = pytest.mark.real

STRUCTURE = ids("backbone", "block", "upsampling_stack", "model")

NO_BIAS = "transposed_conv_use_bias: SLEAP never passes it on, and there is always a bias"
ACTIVATION = "refine_convs_activation: SLEAP applies transposed_conv_activation in its place"
NO_REFINEMENT = "refine_convs = 0: SLEAP joins the skip connection, although it says that it does not"
AGAINST_ITS_DOCUMENTATION = {
    "cus_nobias": NO_BIAS,
    "cus_act_interp_refine_linear": ACTIVATION,
    "cus_refine0": NO_REFINEMENT,
    "cus_lastfeat_dropped": NO_REFINEMENT,
    "unet_f8_d3_convs0": NO_REFINEMENT,
    "blk_up_skip_add_1x1": NO_REFINEMENT,
    "blk_up_skip_concat": NO_REFINEMENT,
    "ups_skip_add": NO_REFINEMENT,
    "ups_skip_concat": NO_REFINEMENT,
}
"""Where our blocks do what SLEAP says, and what SLEAP does with `sleap_compat` alone."""

REJECTED = {
    "unet_f4_d2_u3_over": "goes up above the resolution of the image, to a stride of 0",
    "err_hg_stem8": "keeps account of a stride of 8 where the map has one of 2",
}
"""What SLEAP builds, and we refuse to."""

IMPOSSIBLE = {"err_decoder_no_sources": "a decoder is given the features of its encoder, and cannot be forgotten to be"}


@pytest.mark.parametrize("name", [name for name in STRUCTURE if name not in REJECTED])
def test_layers_parameters_strides_and_shapes(shared, name):
    assert structural_differences(name, compat=name in AGAINST_ITS_DOCUMENTATION) == ()


@pytest.mark.parametrize("name", numeric_ids())
def test_outputs_features_gradients_and_statistics(shared, name):
    assert numeric_differences(name, compat=name in AGAINST_ITS_DOCUMENTATION) == ()


def test_how_many_agree_and_which_do_not(shared):
    compatible = collections.Counter(
        all_cases()[name]["kind"]
        for name in STRUCTURE
        if name not in REJECTED and not structural_differences(name, compat=name in AGAINST_ITS_DOCUMENTATION)
    )
    assert compatible == {"backbone": 112, "block": 15, "model": 3, "upsampling_stack": 6}
    numeric = numeric_ids()
    assert (
        sum(not numeric_differences(name, compat=name in AGAINST_ITS_DOCUMENTATION) for name in numeric)
        == len(numeric)
        == 51
    )
    different = {name for name in STRUCTURE if name not in REJECTED and structural_differences(name, compat=False)}
    different |= {name for name in numeric if numeric_differences(name, compat=False)}
    assert different == set(AGAINST_ITS_DOCUMENTATION)


def test_what_sleap_builds_above_the_resolution_of_the_image_is_refused(shared):
    with pytest.raises(ArgumentError, match="goes up further than the stem and the encoder go down"):
        build("unet_f4_d2_u3_over", compat=True)


def in_parts(**settings):
    module = SimpleUpsamplingBlock(**settings).build(4, 3)
    return module, SimpleUpsamplingBlock(**settings, sleap_compat=True).build(4, 3)


def test_a_transposed_convolution_has_no_bias_where_none_is_wanted():
    ours, theirs = in_parts(transposed_conv=True, transposed_conv_use_bias=False)
    assert ours.upsample.trans_conv.bias is None
    assert theirs.upsample.trans_conv.bias is not None


def test_refining_convolutions_have_the_activation_that_is_theirs():
    ours, theirs = in_parts(refine_convs_activation="linear", transposed_conv_activation="relu")
    x = torch.randn(2, 4, 8, 8)
    assert ours.eval()(x).min() < 0
    assert theirs.eval()(x).min() == 0


def test_without_refining_convolutions_there_is_no_skip_connection():
    ours, theirs = in_parts(skip_connection=True, refine_convs=0)
    assert (ours.out_channels, ours.uses_skip) == (4, False)
    assert (theirs.out_channels, theirs.uses_skip) == (7, True)


ERRORS = {
    "err_stacks_asym_unet": (lambda: UNet(1, stacks=2, down_blocks=4, up_blocks=3), ArgumentError),
    "err_base_encoder_stride": (lambda: EncoderDecoder(1).maximum_stride, NotImplementedError),
    "err_base_decoder_stack": (lambda: EncoderDecoder.decoder_stack.fget(object()), NotImplementedError),
    "err_hg_no_skip": (lambda: StackedHourglass(1, down_blocks=2, up_blocks=3, stacks=1), CompositionError),
    "err_hg_stem8": (lambda: StackedHourglass(1, stem_stride=8), ArgumentError),
    "err_bad_interp": (lambda: SimpleUpsamplingBlock(interp_method="foo"), ArgumentError),
}
AGREES = {"err_unet_middle0": lambda: UNet(1, filters=4, down_blocks=0, up_blocks=0)}


@pytest.mark.parametrize("name", ERRORS)
def test_what_must_raise_raises(name):
    attempt, error = ERRORS[name]
    with pytest.raises(error):
        attempt()


def test_every_recorded_error_is_considered(shared):
    assert set(ids("error")) == {*ERRORS, *AGREES, *IMPOSSIBLE}


@pytest.mark.parametrize("name", AGREES)
def test_what_raises_in_neither(shared, name):
    network = AGREES[name]()
    [result] = network(torch.zeros(1, 1, 32, 32))
    assert [nhwc(result.output)] == all_cases()[name]["result_shape"]


@pytest.mark.parametrize("make", [lambda: EncoderBlock().build(1), lambda: DecoderBlock().build(1, None)])
def test_a_block_must_say_how_it_is_built(make):
    with pytest.raises(NotImplementedError, match="must define build"):
        make()


def nhwc(tensor):
    _, channels, *size = tensor.shape
    return [None, *size, channels]


@functools.cache
def structural_differences(name: str, compat: bool) -> tuple[str, ...]:
    """What differs from the recorded structure, without computing anything."""
    case = all_cases()[name]
    with torch.device("meta"):
        module = build(name, compat=compat).eval()
        skips = [case["skip_shape"]] if case.get("skip_shape") else []
        skips += [skip[1:] for skip in case.get("skips") or []]
        shapes = [case["input_shape"], *skips]
        inputs = [torch.empty(1, channels, height, width) for height, width, channels in shapes]
        encoder_features = watch_encoder(module)
        outputs, features = module(*inputs)
    found = facts(module)
    found["output_shapes"] = [nhwc(output) for output in outputs]
    if "intermediate_features" in case:
        recorded = [feature for stack in case["intermediate_features"] for feature in stack]
        found["features"] = [(stride, nhwc(tensor)) for tensor, stride in features]
    expected = {key: case[key] for key in found if key in case}
    expected["layers"] = [(each["name"], each["params"]) for each in case["layers"] if each["params"]]
    if "intermediate_features" in case:
        expected["features"] = [(each["stride"], each["shape"]) for each in recorded]
    if case["kind"] == "backbone":
        network = module.network
        found["strides"] = {
            "stem": network.stem_features_stride,
            "encoder": network.encoder_features_stride,
            "decoder": network.decoder_features_stride,
            "maximum": network.maximum_stride,
            "output": network.output_stride,
        }
        expected["strides"] = case["strides"]
        found["encoder_features"] = encoder_features()
        expected["encoder_features"] = [
            (each["stride"], each["shape"]) for stack in case["encoder_features"] for each in stack if "stride" in each
        ]
    return tuple(f"{key}: {found[key]}, recorded {expected[key]}" for key in found if found[key] != expected[key])


def facts(module: nn.Module) -> dict:
    """Layers in order with their parameters, and the sums of these."""
    layers = collections.Counter()
    tensors = module.state_dict()
    for own, (layer, _) in keras_names(module).items():
        layers[layer] += tensors[own].numel()
    return {
        "layers": list(layers.items()),
        "total_params": sum(layers.values()),
        "trainable_params": sum(parameter.numel() for parameter in module.parameters()),
    }


def watch_encoder(module: nn.Module):
    """What gives, after a forward pass, the features that every encoder offers, with their strides."""
    seen = {}
    stacks = [stack for stack in module.modules() if isinstance(stack, Stack)]
    for stack in stacks:
        for block in stack.encoder:
            block.register_forward_hook(lambda block, _, output: seen.__setitem__(block, output))

    def features():
        return [
            (stride * network.input_stride, nhwc(seen[stack.encoder[index]]))
            for network in [module.network]
            for stack in stacks
            for index, stride in zip(stack.route.kept, stack.route.strides, strict=True)
            if index >= 0
        ]

    return features


def far(name: str, own: torch.Tensor, recorded: torch.Tensor) -> list[str]:
    if own.shape != recorded.shape:
        return [f"{name}: shape {tuple(own.shape)}, recorded {tuple(recorded.shape)}"]
    if torch.allclose(own, recorded, rtol=1e-4, atol=1e-4 * recorded.abs().max().item()):
        return []
    return [f"{name}: off by {(own - recorded).abs().max():.3g}"]


def loss(outputs):
    return sum(0.5 * output.square().mean() for output in outputs)


@functools.cache
def numeric_differences(name: str, compat: bool) -> tuple[str, ...]:
    """What differs from the recorded outputs, features, gradients and running statistics."""
    numbers = Numbers(FOLDER / "npz" / f"{name}.npz")
    module = build(name, compat=compat)
    names, weights, own = keras_names(module), numbers.weights(), module.state_dict()
    if {name: own[key].shape for key, name in names.items()} != {name: held.shape for name, held in weights.items()}:
        return ("other weights",)
    module.load_state_dict({own: weights[name] for own, name in names.items()}, strict=False)
    found = evaluated(module.eval(), numbers, names)
    return (*found, *trained(module.train(), numbers, names))


def evaluated(module, numbers, names) -> list[str]:
    inputs = [image.requires_grad_() for image in numbers.images("input")]
    outputs, features = module(*inputs)
    loss(outputs).backward()
    found = [
        each
        for index, pair in enumerate(pairs(outputs, numbers.images("output")))
        for each in far(f"output{index}", *pair)
    ]
    recorded = numbers.images("feature")
    for index, pair in enumerate(pairs([tensor for tensor, _ in features], recorded) if recorded else []):
        found += far(f"feature{index}", *pair)
    parameters = dict(module.named_parameters())
    gradients = numbers.under("grad")
    if gradients:
        trainable = {own: name for own, name in names.items() if own in parameters}
        assert set(trainable.values()) == set(gradients)
        for own, name in trainable.items():
            found += far(f"gradient of {own}", parameters[own].grad, gradients[name])
        for index, (image, gradient) in enumerate(pairs(inputs, numbers.images("grad_input"))):
            found += far(f"gradient of input{index}", image.grad, gradient)
    return found


def trained(module, numbers, names) -> list[str]:
    recorded = numbers.images("output_train")
    if not recorded:
        return []
    outputs, _ = module(*numbers.images("input"))
    found = [each for index, pair in enumerate(pairs(outputs, recorded)) for each in far(f"output_train{index}", *pair)]
    buffers, after = dict(module.named_buffers()), numbers.under("after_train")
    statistics = {own: name for own, name in names.items() if own in buffers}
    assert set(statistics.values()) == set(after)
    for own, name in statistics.items():
        found += far(f"{own} after a step", buffers[own], after[name])
    return found


def pairs(own, recorded):
    return list(zip(own, recorded, strict=True))
