"""The block networks as encoders: what they give is what they say, and any decoder takes it."""

import pytest
import torch

from isthmus.blocks import UNet
from isthmus.errors import ArgumentError, ShapeError
from isthmus.models import EncoderDecoderFactory
from isthmus.models.backbones import BlockFeatures
from isthmus.models.backbones.block_networks.catalog import NETWORKS
from isthmus.plan import plan
from isthmus.registry import BACKBONE_REGISTRY, ISTHMUS_BACKBONE_REGISTRY
from isthmus.specs.features import is_pyramid

NAMES = [network.name for network in NETWORKS]
SMALL = {
    "unet": {"filters": 4, "max_stride": 8},
    "leap_cnn": {"filters": 4},
    "leap_cnn_published": {},
    "stacked_hourglass": {"filters": 4, "filter_increase": 2, "stem_filters": 4, "max_stride": 16, "stacks": 2},
    "fc_densenet": {"down_layers": [2, 2, 1], "bottleneck_layers": 2, "up_layers": [1, 2], "growth_rate": 3},
    "fc_densenet56": {"checkpointing": True},
}


def built(name: str, **arguments) -> torch.nn.Module:
    return BACKBONE_REGISTRY.build(name, in_chans=2, **SMALL[name], **arguments).eval()


@pytest.mark.parametrize("name", NAMES)
def test_the_facts_are_true(name):
    entry = ISTHMUS_BACKBONE_REGISTRY.entry(name)
    with torch.device("meta"):
        encoder = entry.build()
    assert sum(parameter.numel() for parameter in encoder.parameters()) == entry.facts["parameters"]
    assert not entry.signature().is_open
    assert {"in_chans", "out_indices"} <= set(entry.signature().names)
    assert not {"network", "in_channels", "head_channels", "pad"} & set(entry.signature().names)


@pytest.mark.parametrize("name", SMALL)
@torch.no_grad()
def test_features_are_what_the_encoder_says(name):
    encoder = built(name)
    size = 2 * encoder.size_multiple, 3 * encoder.size_multiple
    features = encoder(torch.randn(2, 2, *size))
    assert is_pyramid(encoder.feature_specs)
    assert len(features) == len(encoder.feature_specs) > 1
    for feature, spec, channels in zip(features, encoder.feature_specs, encoder.out_channels, strict=True):
        assert feature.shape[1] == spec.channels == channels
        assert (size[0] / feature.shape[2], size[1] / feature.shape[3]) == spec.stride
    assert encoder.feature_specs[-1].stride == (encoder.size_multiple, encoder.size_multiple)


@torch.no_grad()
def test_features_can_be_chosen():
    torch.manual_seed(0)
    network = UNet(2, 4, down_blocks=3, up_blocks=3).eval()
    images = torch.randn(1, 2, 16, 16)
    every = BlockFeatures(network)(images)
    some = BlockFeatures(network, [-1, 0])
    assert some.out_channels == [every[3].shape[1], every[0].shape[1]]
    for feature, expected in zip(some(images), [every[3], every[0]], strict=True):
        assert torch.equal(feature, expected)
    with pytest.raises(ArgumentError, match=r"out_indices \[4\] are not among the 4 features"):
        BlockFeatures(network, [1, 4])


def test_the_finest_feature_is_the_output_of_the_last_stack():
    encoder = built("stacked_hourglass")
    images = torch.randn(1, 2, 32, 32)
    with torch.no_grad():
        assert torch.equal(encoder(images)[0], encoder.network(images)[-1].output)


def test_a_size_that_does_not_fit_is_an_error_that_a_composition_mends():
    encoder = built("unet")
    with pytest.raises(ShapeError, match="multiples of its maximum stride 8"):
        encoder(torch.randn(1, 2, 20, 27))
    model = EncoderDecoderFactory().build_model(
        "segmentation", encoder, "UNetBlockDecoder", num_classes=3, decoder_filters=4
    )
    assert model(torch.randn(1, 2, 20, 27)).output.shape == (1, 3, 20, 27)


@pytest.mark.parametrize("decoder", ["UNetBlockDecoder", "HourglassBlockDecoder", "DenseBlockDecoder", "FCNDecoder"])
@pytest.mark.parametrize("name", ["leap_cnn", "fc_densenet"])
def test_decoders_take_them(name, decoder):
    arguments = {"FCNDecoder": {"decoder_channels": 4, "decoder_num_convs": 1, "decoder_in_index": 0}}
    model = EncoderDecoderFactory().build_model(
        "segmentation", built(name), decoder, num_classes=3, **arguments.get(decoder, {})
    )
    assert model(torch.randn(1, 2, 30, 40)).output.shape == (1, 3, 30, 40)


def test_a_plan_pads_what_does_not_fit():
    planned = plan(
        {"backbone": "isthmus_fc_densenet103", "decoder": "IdentityDecoder", "decoder_out_index": 0, "num_classes": 11},
        image_size=(360, 480),
    )
    encoder = planned.stages[0]
    assert encoder.parameters == 9_319_264
    assert [stride for stride, _ in encoder.strides] == [1, 2, 4, 8, 16, 32]
    assert encoder.outputs[0] == (1, 256, 384, 480)
    assert planned.output == [(1, 11, 360, 480)]
    assert planned.parameters == 9_322_091


def test_a_block_decoder_over_a_transformer():
    planned = plan(
        {
            "backbone": "prithvi_eo_v2_300",
            "decoder": "UNetBlockDecoder",
            "decoder_filters": 16,
            "decoder_up_blocks": 5,
            "necks": "auto",
            "num_classes": 3,
        }
    )
    names = [neck["name"] for neck in planned.necks]
    assert names == ["SelectIndices", "ReshapeTokensToImage", "LearnedInterpolateToPyramidal"]
    decoder = next(stage for stage in planned.stages if stage.name == "decoder")
    assert decoder.outputs == [(1, 16, 224, 224)]
    assert planned.output == [(1, 3, 224, 224)]
