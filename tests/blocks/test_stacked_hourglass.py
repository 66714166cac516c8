"""Stacked hourglasses: counts, names and numbers of the references, strides, and what goes from stack to stack."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from isthmus.blocks import ResidualBlock, StackedHourglass
from isthmus.blocks.residual import ProjectedSum, Residual
from isthmus.blocks.stacked_hourglass import ResidualHourglass
from isthmus.errors import ArgumentError, CompositionError, ShapeError

TINY = {"stem_filters": 2, "filters": 4, "filter_increase": 2, "down_blocks": 2, "up_blocks": 2}


def count(module):
    return sum(each.numel() for each in module.parameters())


def statistics(module):
    return sum(each.numel() for name, each in module.named_buffers() if "running" in name)


def keras_name(path):
    """The layer `stack0_enc1_conv_conv` of `stack.0.encoder.1.conv_conv`: names follow from paths by rule."""
    names = [name for name in path.split(".") if name not in ("block", "skip")]
    short = {"stem": "stem", "stack": "stack", "encoder": "enc", "decoder": "dec"}
    parts, rest = [], iter(names)
    for name in rest:
        parts.append(short[name] + next(rest) if name in short else name)
    return "_".join(parts)


# --- SLEAP's ----------------------------------------------------------------------------------------------------------


@pytest.mark.real
@pytest.mark.parametrize("case_id", ["hg_default", "hg_f16_stacks3", "hg_f8_stem2", "hg_f8_inc0_d2", "hg_f8_u2_of_4"])
def test_counts_strides_and_names_are_those_of_sleap(shared, case_id):
    cases = json.loads((shared / "oracle" / "blocks" / "cases.json").read_text())["cases"]
    case = next(each for each in cases if each["id"] == case_id)
    with torch.device("meta"):
        net = StackedHourglass(case["input_shape"][-1], **case["kwargs"])
    assert count(net) == case["trainable_params"]
    assert count(net) + statistics(net) == case["total_params"]
    assert (net.stem_features_stride, net.maximum_stride, net.output_stride) == tuple(
        case["strides"][key] for key in ("stem", "maximum", "output")
    )
    ours = {
        keras_name(path)
        for path, module in net.named_modules()
        if next(module.parameters(recurse=False), None) is not None
    }
    assert ours == {layer["name"] for layer in case["layers"] if layer["weights"]}
    features = case["intermediate_features"][0]
    assert [each["shape"][-1] for each in features] == net.stack[0].feature_channels


def test_the_default_has_the_size_it_is_known_for():
    with torch.device("meta"):
        net = StackedHourglass(1)
    assert count(net) == 65_969_408
    assert count(net) + statistics(net) == 66_002_944


def test_every_stack_gives_features_and_a_prediction():
    net = StackedHourglass(1, **TINY, stacks=3, head_channels=5).eval()
    results = net(torch.randn(1, 1, 32, 48))
    assert [tuple(each.prediction.shape) for each in results] == [(1, 5, 8, 12)] * 3
    assert [[(each.stride, *each.tensor.shape[1:]) for each in result.features] for result in results] == [
        [(16, 6, 2, 3), (8, 6, 4, 6)]
    ] * 3
    sum(each.prediction.square().mean() for each in results).backward()
    assert all(each.grad is not None for each in net.parameters())


def test_in_terms_of_strides():
    with torch.device("meta"):
        assert count(StackedHourglass.from_config(1)) == 65_969_408
        net = StackedHourglass.from_config(
            1, stem_stride=2, max_stride=16, output_stride=4, stem_filters=2, filters=4, stacks=1
        )
    assert (net.stem_features_stride, net.maximum_stride, net.output_stride) == (2, 16, 4)


@pytest.mark.parametrize(
    ("strides", "message"),
    [
        ({"max_stride": 48}, "max_stride is 48; a power of two"),
        ({"max_stride": 2}, "max_stride is 2, below stem_stride"),
        ({"output_stride": 2}, "output_stride is 2, below stem_stride"),
        ({"stem_stride": 8, "output_stride": 8}, "stride of 1, 2 or 4"),
        ({"output_stride": 8}, "3 stacks need"),
    ],
)
def test_impossible_strides_are_refused(strides, message):
    with pytest.raises(ArgumentError, match=message):
        StackedHourglass.from_config(1, filters=4, **strides)


def test_more_levels_up_than_down_have_nothing_to_add():
    with pytest.raises(CompositionError, match="at every level"):
        StackedHourglass(1, **TINY | {"up_blocks": 3}, stacks=1)


def test_other_sizes_are_padded_or_refused():
    x = torch.randn(1, 1, 21, 34)
    with pytest.raises(ShapeError, match="multiples of its maximum stride 16"):
        StackedHourglass(1, **TINY)(x)
    net = StackedHourglass(1, **TINY, pad=True).eval()
    assert tuple(net(x)[-1].output.shape) == (1, 4, 6, 9)


# --- the original -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stacks", "reference"), [(1, 4_364_048), (2, 8_429_088), (4, 16_559_168), (8, 32_819_328)])
def test_the_published_one_has_the_parameters_of_the_reference_that_take_part(stacks, reference):
    """The reference makes a projection for every bottleneck, also where its forward pass never calls it."""
    with torch.device("meta"):
        net = StackedHourglass.published(stacks=stacks)
    idle = {width: width * width + width for width in (128, 256)}
    assert count(net) == reference - idle[128] - stacks * 14 * idle[256]
    unprojected = [
        each for each in net.modules() if isinstance(each, Residual) and isinstance(each.projection, nn.Identity)
    ]
    assert len(unprojected) == 1 + stacks * 14


def test_eight_stacks_have_the_25_million_parameters_that_the_literature_gives():
    with torch.device("meta"):
        net = StackedHourglass.published()
    assert count(net) == 25_434_112
    assert (net.stem_features_stride, net.maximum_stride, net.output_stride) == (4, 64, 4)


def load(module, weights, translate):
    """Load the weights of the reference under our names; what takes no part has no name."""
    named = {translate(key): value for key, value in weights.items()}
    missing, unexpected = module.load_state_dict({key: value for key, value in named.items() if key}, strict=False)
    assert not missing
    assert not unexpected
    return module.eval()


def residual_name(key):
    """`conv2.conv.weight` of the reference is `layers.1.conv.weight` here, `bn2` is `layers.1.norm`."""
    layer, *_, leaf = key.split(".")
    if layer == "skip_layer":
        return f"projection.{leaf}"
    return f"layers.{int(layer[-1]) - 1}.{'norm' if layer.startswith('bn') else 'conv'}.{leaf}"


def hourglass_name(key, depth):
    """`low2.low2.up1.bn1.bias` of the recursive reference is `decoder.1.skip.layers.0.norm.bias` here."""
    level, parts = 0, key.split(".")
    while parts[1] in ("up1", "low1", "low2", "low3"):
        level, parts = level + 1, parts[1:]
    place, *rest = parts
    if rest[0] == "skip_layer":
        return None
    at = {
        "up1": f"decoder.{depth - 1 - level}.skip",
        "low1": f"encoder.{level}.block.residual",
        "low2": "bottleneck.0.residual",
        "low3": f"decoder.{depth - 1 - level}.block",
    }[place]
    return f"{at}.{residual_name('.'.join(rest))}"


def reference(shared, name):
    with np.load(shared / "oracle" / "blocks" / "extra" / f"{name}.npz") as stored:
        arrays = {key: torch.from_numpy(stored[key]) for key in stored.files}
    weights = {key.removeprefix("sd/"): value for key, value in arrays.items() if key.startswith("sd/")}
    return arrays["input0"], arrays["output0"], weights


@pytest.mark.real
def test_a_bottleneck_gives_the_numbers_of_the_reference(shared):
    x, expected, weights = reference(shared, "hourglass_residual_6_8")
    block = load(Residual(6, 8), weights, residual_name)
    torch.testing.assert_close(block(x), expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.real
def test_an_hourglass_gives_the_numbers_of_the_reference(shared):
    x, expected, weights = reference(shared, "hourglass_module_n4_f8")
    stack = ResidualHourglass(levels=4, filters=8, stacks=1).stack[0]
    stack.tail = nn.ModuleList()
    load(stack, weights, lambda key: hourglass_name(key, 4))
    stem = torch.full_like(x, torch.nan)  # the level in front of the first pooling is the stack's own input
    output, _ = stack(x, stem)
    torch.testing.assert_close(output, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


def test_a_stack_gets_the_features_and_the_prediction_of_the_one_before():
    net = ResidualHourglass(levels=2, filters=8, stacks=2, head_channels=3).eval()
    merge = net.merges[0]
    assert isinstance(merge, ProjectedSum)
    seen = []
    net.stack[1].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    net.stack[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    results = net(torch.randn(1, 3, 32, 32))
    first, second = seen
    expected = first + merge.output(results[0].output) + merge.prediction(results[0].prediction)
    torch.testing.assert_close(second, expected)
    results[1].prediction.sum().backward()
    assert net.heads[0].weight.grad.abs().sum() > 0


def test_without_heads_the_features_alone_are_handed_on():
    net = StackedHourglass.published(1, 2, None)
    assert net.merges[0].prediction is None
    assert [
        each.prediction for each in ResidualHourglass(1, 1, 8, 2, head_channels=None)(torch.randn(1, 1, 16, 16))
    ] == [None] * 2


def test_a_bottleneck_that_keeps_the_map_in_front_hands_on_the_pooled_one():
    module = ResidualBlock(filters=6, keeps_skip=True).build(4)
    x = torch.randn(2, 4, 8, 6)
    handed = module(x)
    assert handed.skip is x
    assert tuple(handed.on.shape) == (2, 6, 4, 3)
    assert (module.skip_channels, module.out_channels) == (4, 6)


@pytest.mark.parametrize(
    "net",
    [StackedHourglass(1, **TINY, head_channels=2), ResidualHourglass(1, 2, 8, 2, head_channels=2)],
    ids=["sleap", "published"],
)
def test_it_is_traced_in_one_piece(net, untyped):
    net, x = net.eval(), torch.randn(1, 1, 32, 32)
    expected = net(x)[-1].prediction
    exported = torch.export.export(net, (x,), strict=False).module()
    torch.testing.assert_close(exported(x)[-1].prediction, expected, rtol=1e-4, atol=1e-4)
    compiled = torch.compile(net, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x)[-1].prediction, expected, rtol=1e-4, atol=1e-4)
