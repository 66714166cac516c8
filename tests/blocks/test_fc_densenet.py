"""FC-DenseNet: counts and numbers of the reference, the channels of the paper, any size, and checkpointing."""

import copy
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from isthmus.blocks import DenseUpBlock, FCDenseNet
from isthmus.blocks.fc_densenet import LAYOUTS
from isthmus.blocks.preactivation import NormReLUConv
from isthmus.errors import ArgumentError, ShapeError

TINY = {"down_layers": (2, 3), "bottleneck_layers": 3, "up_layers": (3, 2), "growth_rate": 4, "first_channels": 6}


def count(module):
    return sum(each.numel() for each in module.parameters())


def tiny(**changes):
    return FCDenseNet(3, **TINY | {"head_channels": 5} | changes)


def our_name(key):
    """`denseBlocksUp.0.layers.1.norm.bias` of the reference is `stack.0.decoder.0.dense.layers.1.norm.bias` here."""
    for pattern, replacement in (
        (r"^firstconv", "stem.0"),
        (r"^finalConv", "heads.0"),
        (r"^denseBlocksDown\.(\d+)", r"stack.0.encoder.\1.dense"),
        (r"^denseBlocksUp\.(\d+)", r"stack.0.decoder.\1.dense"),
        (r"^transDownBlocks\.(\d+)", r"stack.0.encoder.\1.transition.convolution"),
        (r"^transUpBlocks\.(\d+)\.convTrans", r"stack.0.decoder.\1.upsample"),
        (r"^bottleneck\.bottleneck", "stack.0.bottleneck.0.dense"),
    ):
        key = re.sub(pattern, replacement, key)
    return key


# --- the reference and the paper --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("depth", "classes", "trainable", "statistics"),
    [
        (56, 11, 1_376_795, 21_168),
        (56, 12, 1_376_988, 21_168),
        (67, 11, 3_463_243, 39_680),
        (67, 12, 3_463_532, 39_680),
        (103, 11, 9_322_091, 103_072),
        (103, 12, 9_322_348, 103_072),
    ],
)
def test_parameters_are_those_of_the_reference(depth, classes, trainable, statistics):
    with torch.device("meta"):
        net = FCDenseNet.published(3, depth, head_channels=classes)
    assert count(net) == trainable
    assert sum(each.numel() for name, each in net.named_buffers() if "running" in name) == statistics


def test_channels_of_103_are_those_of_the_paper():
    with torch.device("meta"):
        stack = FCDenseNet.published(depth=103).stack[0]
    assert [block.skip_channels for block in stack.encoder] == [112, 192, 304, 464, 656]
    assert stack.bottleneck[0].dense.whole_channels == 896
    assert [block.dense.whole_channels for block in stack.decoder] == [1088, 816, 576, 384, 256]
    layout = LAYOUTS[103]
    new = [16 * layers for layers in (layout.bottleneck_layers, *layout.up_layers[:-1])]
    assert [block.out_channels for block in [*stack.bottleneck, *stack.decoder]] == [*new, 256]


@pytest.mark.parametrize("depth", LAYOUTS)
def test_depth_counts_the_layers(depth):
    """Dense layers, transitions, the first convolution and the classifier."""
    layout = LAYOUTS[depth]
    transitions = len(layout.down_layers) + len(layout.up_layers)
    assert sum(layout.down_layers) + layout.bottleneck_layers + sum(layout.up_layers) + transitions + 2 == depth


@pytest.mark.real
def test_it_gives_the_numbers_of_the_reference(shared):
    with np.load(shared / "oracle" / "blocks" / "extra" / "fcdensenet_tiny_d2-3_b3_u3-2_k4_f6_c5.npz") as stored:
        arrays = {key: torch.from_numpy(stored[key]) for key in stored.files}
    net = tiny().eval()
    net.load_state_dict({our_name(key[3:]): value for key, value in arrays.items() if key.startswith("sd/")})
    expected = arrays["output0"]  # the reference closes with this
    torch.testing.assert_close(net(arrays["input0"])[-1].prediction.log_softmax(1), expected, rtol=1e-5, atol=1e-5)


# --- sizes ------------------------------------------------------------------------------------------------------------


def test_odd_rows_and_columns_have_the_layout_of_the_reference():
    """Poolings leave out what is too much, and a transposed convolution makes 2n + 1 cells, cropped to the skip."""
    net = FCDenseNet(1, (1, 1, 1), 1, (1, 1, 1), 3, 4, head_channels=2).eval()
    assert count(net) == 2866
    result = net(torch.randn(1, 1, 20, 27))[-1]
    assert tuple(result.prediction.shape) == (1, 2, 20, 27)
    assert [tuple(each.tensor.shape[-2:]) for each in result.features] == [(2, 3), (5, 6), (10, 13)]


@hypothesis_settings(max_examples=20)
@given(height=st.integers(4, 30), width=st.integers(4, 30), pad=st.booleans())
def test_a_prediction_is_as_large_as_the_image(height, width, pad):
    result = tiny(pad=pad).eval()(torch.zeros(1, 3, height, width))[-1]
    assert tuple(result.prediction.shape) == (1, 5, height, width)


def test_an_image_that_is_pooled_away_is_refused():
    with pytest.raises(ShapeError, match="images of 4 x 4 pixels at least, but is given 3 x 20"):
        tiny()(torch.zeros(1, 3, 3, 20))


def test_a_step_up_needs_no_skip_connection_and_refuses_one_that_is_too_large():
    alone = DenseUpBlock(layers=2, growth_rate=3, whole=True).build(5)
    assert tuple(alone(torch.randn(2, 5, 3, 4)).shape) == (2, 11, 6, 8)
    joined = DenseUpBlock(layers=2, growth_rate=3).build(5, 7)
    assert tuple(joined(torch.randn(2, 5, 3, 4), torch.randn(2, 7, 7, 8)).shape) == (2, 6, 7, 8)
    with pytest.raises(ShapeError, match="does not fit"):
        joined(torch.randn(2, 5, 3, 4), torch.randn(2, 7, 8, 8))
    with pytest.raises(ShapeError, match="is given none"):
        joined(torch.randn(2, 5, 3, 4))


# --- how it is asked for ----------------------------------------------------------------------------------------------


def test_in_terms_of_strides():
    with torch.device("meta"):
        assert count(FCDenseNet.from_config(head_channels=11)) == 1_376_795
        net = FCDenseNet.from_config(max_stride=16, output_stride=4, layers=2)
    assert (net.maximum_stride, net.output_stride) == (16, 4)
    assert (net.down_layers, net.up_layers) == ((2,) * 4, (2,) * 2)


def test_what_cannot_be_is_refused():
    with pytest.raises(ArgumentError, match="published are 56, 67, 103"):
        FCDenseNet.published(depth=57)
    with pytest.raises(ArgumentError, match="max_stride is 24; a power of two"):
        FCDenseNet.from_config(max_stride=24)
    with pytest.raises(ArgumentError, match=r"up_layers is \[3, 0\]"):
        tiny(up_layers=(3, 0))
    with pytest.raises(ArgumentError, match="goes up further"):
        tiny(up_layers=(3, 2, 2))


def test_it_starts_with_kernels_for_relu():
    net = FCDenseNet.published(depth=56, head_channels=11)
    for layer in (
        net.stem[0],
        net.heads[0],
        net.stack[0].encoder[2].dense.layers[3].conv,
        net.stack[0].decoder[0].upsample,
    ):
        limit = (6 / layer.weight[0].numel()) ** 0.5
        assert 0.9 * limit < layer.weight.detach().abs().max().item() <= limit
        assert not layer.bias.any()


# --- training ---------------------------------------------------------------------------------------------------------


def step(net, x):
    torch.manual_seed(5)
    out = net(x)[-1].prediction
    out.square().mean().backward()
    return out


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_checkpointing_changes_no_number(dropout):
    """Neither outputs nor gradients, and running statistics move once a step, not again in the backward pass."""
    plain = tiny(dropout=dropout)
    thrifty = tiny(dropout=dropout, checkpointing=True)
    thrifty.load_state_dict(plain.state_dict())
    for _ in range(2):
        x = torch.randn(2, 3, 20, 27)
        torch.testing.assert_close(step(thrifty, x), step(plain, x), rtol=0, atol=0)
        for ours, theirs in zip(thrifty.parameters(), plain.parameters(), strict=True):
            torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=0)
        for name, value in thrifty.state_dict().items():
            torch.testing.assert_close(value, plain.state_dict()[name], rtol=0, atol=0)
    assert int(thrifty.stack[0].bottleneck[0].dense.layers[0].norm.num_batches_tracked) == 2


def test_checkpointing_keeps_the_maps_alone():
    """The cells that autograd holds on to: without it they grow with the square of the layers."""

    def kept(checkpointing):
        maps = [torch.randn(1, 4, 16, 16, requires_grad=True) for _ in range(8)]
        layer = NormReLUConv(32, 4, 3, checkpointing)
        cells = {}

        def pack(tensor):
            cells[tensor.untyped_storage().data_ptr()] = tensor.numel()
            return tensor

        own = {each.untyped_storage().data_ptr() for each in [*maps, *layer.parameters(), *layer.buffers()]}
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            layer(maps)
        return sum(size for place, size in cells.items() if place not in own)

    assert kept(checkpointing=False) >= 2 * 32 * 16 * 16
    assert kept(checkpointing=True) == 0


def test_the_backward_pass_gives_the_statistics_back():
    layer = NormReLUConv(4, 2, 3, checkpointing=True)
    before = layer.norm.running_mean
    x = torch.randn(1, 4, 8, 8, requires_grad=True)
    layer([x]).sum().backward()
    assert layer.norm.running_mean is before
    assert before._version == 1


# --- tracing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("checkpointing", [False, True])
def test_it_is_traced_in_one_piece(checkpointing, untyped):
    net, x = tiny(checkpointing=checkpointing).eval(), torch.randn(1, 3, 20, 27)
    expected = net(x)[-1].prediction
    exported = torch.export.export(net, (x,), strict=False).module()
    torch.testing.assert_close(exported(x)[-1].prediction, expected, rtol=1e-4, atol=1e-4)
    compiled = torch.compile(net, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x)[-1].prediction, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_a_compiled_step_with_checkpointing_is_the_same_step(untyped):
    net = tiny(checkpointing=True)
    other = copy.deepcopy(net)
    x = torch.randn(2, 3, 16, 16)
    compiled = torch.compile(other, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(step(compiled, x), step(net, x))
    for ours, theirs in zip(other.parameters(), net.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)
    for ours, theirs in zip(other.buffers(), net.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs)
