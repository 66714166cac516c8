import copy
import math

import pytest
import torch
from block_cases import Custom
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.blocks import (
    EncoderDecoder,
    IntermediateFeature,
    LeapCNN,
    PoolingBlock,
    SimpleConvBlock,
    SimpleUpsamplingBlock,
    UNet,
)
from isthmus.errors import ArgumentError, ShapeError

SMALL = {"filters": 4, "down_blocks": 2, "up_blocks": 2}


class Rings(EncoderDecoder):
    """A network of one's own: a stem of stride 3, an encoder with a wide step, sums in the decoder."""

    @property
    def stem_stack(self):
        return [SimpleConvBlock(filters=4, num_convs=1, kernel_size=5, pooling_stride=3)]

    @property
    def encoder_stack(self):
        return [SimpleConvBlock(filters=6), SimpleConvBlock(filters=8, pooling_stride=4, batch_norm=True)]

    @property
    def bottleneck_stack(self):
        return [SimpleConvBlock(filters=10, pool=False)]

    @property
    def decoder_stack(self):
        up = {"skip_connection": True, "skip_add": True, "transposed_conv": True}
        return [
            SimpleUpsamplingBlock(**up, upsampling_stride=4, refine_convs_filters=6),
            SimpleUpsamplingBlock(**up, upsampling_stride=2, refine_convs_filters=4),
        ]


NETWORKS = {
    "unet": lambda **given: UNet(1, **SMALL, **given),
    "unet_interpolated": lambda **given: UNet(1, **SMALL, up_interpolate=True, **given),
    "unet_stem": lambda **given: UNet(1, **SMALL, stem_blocks=1, **given),
    "leap": lambda **given: LeapCNN(1, **SMALL, **given),
    "own": lambda **given: Rings(1, **given),
}

networks = pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)


def ceil_of(size, stride):
    return tuple(math.ceil(each / stride) for each in size)


def test_a_feature_knows_its_stride_and_scale():
    feature = IntermediateFeature(torch.zeros(1, 2, 8, 8), 4)
    assert (feature.stride, feature.scale) == (4, 0.25)


def test_strides_of_a_network_of_ones_own():
    network = Rings(2, head_channels=5)
    assert (network.stem_features_stride, network.encoder_features_stride) == (3, 24)
    assert (network.decoder_features_stride, network.output_stride, network.prediction_stride) == (3, 3, 3)
    assert network.maximum_stride == network.size_multiple == 24
    assert network.out_channels == 4
    [result] = network(torch.randn(2, 2, 48, 72))
    assert [(each.stride, tuple(each.tensor.shape)) for each in result.features] == [
        (24, (2, 10, 2, 3)),
        (6, (2, 6, 8, 12)),
    ]
    assert tuple(result.output.shape) == (2, 4, 16, 24)
    assert tuple(result.prediction.shape) == (2, 5, 16, 24)


@networks
def test_strides_are_those_of_the_tensors(make):
    network = make()
    size = 2 * network.maximum_stride, 3 * network.maximum_stride
    [result] = network(torch.randn(1, 1, *size))
    assert result.prediction is None
    assert result.output.shape[1] == network.out_channels
    for tensor, stride in [*result.features, (result.output, network.output_stride)]:
        assert tensor.shape[-2:] == ceil_of(size, stride)


@networks
@settings(max_examples=15)
@given(size=st.tuples(st.integers(24, 60), st.integers(24, 60)))
def test_padding_takes_any_size_and_gives_what_it_covers(make, size):
    network = make(pad=True, head_channels=3).eval()
    image = torch.randn(1, 1, *size)
    with torch.no_grad():
        [result] = network(image)
        multiple = network.maximum_stride
        filled = [math.ceil(each / multiple) * multiple - each for each in size]
        [whole] = network(torch.nn.functional.pad(image, (0, filled[1], 0, filled[0])))
    rows, columns = ceil_of(size, network.output_stride)
    assert result.output.shape[-2:] == result.prediction.shape[-2:] == (rows, columns)
    for tensor, stride in result.features:
        assert tensor.shape[-2:] == ceil_of(size, stride)
    if network.size_multiple > 1:
        torch.testing.assert_close(result.output, whole.output[..., :rows, :columns])


def test_without_padding_an_image_that_does_not_divide_is_an_error_that_says_what_to_do():
    with pytest.raises(
        ShapeError, match=r"UNet .* multiples of its maximum stride 4, but is given 30 x 33; .* 32 x 36"
    ):
        UNet(1, **SMALL)(torch.zeros(1, 1, 30, 33))


def test_without_skip_connections_any_size_is_taken():
    network = LeapCNN(1, **SMALL)
    assert network.size_multiple == 1
    [result] = network(torch.zeros(1, 1, 30, 33))
    assert result.output.shape[-2:] == (32, 36)


def test_padding_keeps_account_of_what_a_pixel_of_the_input_stands_for():
    [result] = UNet(1, **SMALL, pad=True, input_stride=2)(torch.zeros(1, 1, 30, 33))
    assert [(each.stride, tuple(each.tensor.shape[-2:])) for each in result.features] == [(8, (8, 9)), (4, (15, 17))]
    assert result.output.shape[-2:] == (30, 33)


@pytest.mark.parametrize("name", ["unet", "unet_stem", "leap", "own"])
def test_every_stack_predicts_and_learns_from_its_own_prediction(name):
    network = NETWORKS[name](stacks=3, head_channels=2)
    size = network.maximum_stride * 2
    results = network(torch.randn(2, 1, size, size))
    assert len(results) == len(network.heads) == 3
    for result in results:
        assert tuple(result.prediction.shape) == (2, 2, *result.output.shape[-2:])
    results[0].prediction.square().mean().backward()
    assert learned(network.stack[0])
    assert not learned(network.stack[1])
    network.zero_grad()
    sum(result.prediction.square().mean() for result in network(torch.randn(2, 1, size, size))).backward()
    assert all(learned(part) for part in [*network.stack, *network.heads, *network.stem[:1]])


def learned(part):
    return any(each.grad is not None and each.grad.abs().sum() > 0 for each in part.parameters())


def test_the_stem_stands_in_front_of_the_first_stack_alone():
    network = NETWORKS["unet_stem"](stacks=2)
    assert sum("stem" in name.split(".")[0] for name, _ in network.named_children()) == 1
    channels = [stack.encoder[0].conv0.in_channels for stack in network.stack]
    assert channels == [network.stem[-1].out_channels, network.stack[0].out_channels]


def test_of_several_blocks_at_one_stride_the_first_is_joined():
    conv = {"type": "SimpleConvBlock", "num_convs": 1}
    up = {"type": "SimpleUpsamplingBlock", "skip_connection": True, "refine_convs": 1}
    network = Custom(
        1,
        enc=[{**conv, "filters": 4, "pool": False}, {**conv, "filters": 6, "pool": False}, {**conv, "filters": 8}],
        dec=[up],
    )
    assert network.stack[0].decoder[0].refine.refine_conv0.in_channels == 8 + 4


@networks
def test_a_copy_is_a_network_of_its_own_with_the_same_numbers(make):
    network = make().eval()
    twin, image = copy.deepcopy(network), torch.randn(1, 1, 48, 48)
    torch.testing.assert_close(twin(image)[0].output, network(image)[0].output)
    next(twin.parameters()).data.zero_()
    assert next(network.parameters()).abs().sum() > 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UNet(up_blocks=5), "divides a stride of 1 by 2: it goes up further"),
        (lambda: UNet(stacks=0), "stacks is 0; at least 1"),
        (
            lambda: UNet(stacks=2, up_blocks=3),
            "2 stacks need .* from stride 1 to 2; .* lower the resolution in the stem",
        ),
        (lambda: UNet.from_config(max_stride=12), "max_stride is 12; a power of two was expected, such as 8 or 16"),
        (lambda: UNet.from_config(output_stride=32), "max_stride is 16, below output_stride, which is 32"),
        (lambda: UNet.from_config(stem_stride=32), "max_stride is 16, below stem_stride, which is 32"),
        (lambda: LeapCNN.from_config(output_stride=3), "output_stride is 3; a power of two was expected"),
        (lambda: SimpleConvBlock(activation="rellu").build(1), "(?i)'rellu'; did you mean 'relu'"),
        (lambda: SimpleUpsamplingBlock(interp_method="linear"), "'linear'.* 'bilinear'"),
    ],
)
def test_errors_name_what_is_wrong(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize(
    ("name", "property_"), [("encoder_stack", "maximum_stride"), ("decoder_stack", "output_stride")]
)
def test_a_subclass_that_forgets_its_blocks_is_told(name, property_):
    stacks = {"encoder_stack": property(lambda self: [PoolingBlock()])} if name == "decoder_stack" else {}
    forgetful = type("Forgetful", (EncoderDecoder,), stacks)
    with pytest.raises(NotImplementedError, match=f"Forgetful must define {name}"):
        forgetful(1)


@pytest.mark.parametrize("name", ["unet", "unet_interpolated", "leap", "own"])
def test_it_is_traced_in_one_piece(name, untyped):
    network = NETWORKS[name](head_channels=2).eval()
    image = torch.randn(1, 1, 48, 48)
    expected = network(image)[0]
    exported = torch.export.export(network, (image,)).module()(image)[0]
    compiled = torch.compile(network, fullgraph=True, backend="eager")(image)[0]
    for traced in (exported, compiled):
        torch.testing.assert_close(traced.prediction, expected.prediction, rtol=1e-4, atol=1e-4)
        for ours, theirs in zip(traced.features, expected.features, strict=True):
            assert ours.stride == theirs.stride
            torch.testing.assert_close(ours.tensor, theirs.tensor, rtol=1e-4, atol=1e-4)


@networks
def test_channels_last_gives_the_same(make):
    network, image = make().eval(), torch.randn(2, 1, 48, 48)
    expected = network(image)[0].output
    network, image = network.to(memory_format=torch.channels_last), image.to(memory_format=torch.channels_last)
    torch.testing.assert_close(network(image)[0].output, expected, rtol=1e-4, atol=1e-5)
