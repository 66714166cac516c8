"""Compositions: arguments that are checked, necks that derive themselves, parts that can be frozen."""

import copy
import re

import pytest
import torch
from torch import nn

from isthmus.errors import ArgumentError, CompositionError, EncoderContractError, UnknownNameError, UnknownTaskError
from isthmus.models import EncoderDecoderFactory, PixelWiseModel, ScalarOutputModel


class Pyramid(nn.Module):
    """A convolutional encoder of somebody else's: it says its channels and nothing more."""

    def __init__(self, bands=4, channels=(8, 16, 24, 32)):
        super().__init__()
        self.out_channels = list(channels)
        self.levels = nn.ModuleList()
        for count in channels:
            self.levels.append(
                nn.Sequential(nn.Conv2d(bands, count, 3, 2, 1), nn.BatchNorm2d(count), nn.ReLU(), nn.Dropout(0.5))
            )
            bands = count

    def forward(self, x):
        features = []
        for level in self.levels:
            x = level(x)
            features.append(x)
        return features


class Tokens(nn.Module):
    """A transformer-like encoder of somebody else's: a class token and patches of 16."""

    patch_size = 16

    def __init__(self, bands=4, width=12, depth=6):
        super().__init__()
        self.out_channels = [width] * depth
        self.project = nn.Conv2d(bands, width, 16, 16)
        self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.seen = []

    def forward(self, x, location_coords=None):
        self.seen.append(location_coords)
        tokens = self.project(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls.expand(len(tokens), -1, -1), tokens], 1)
        return [tokens + i for i in range(len(self.out_channels))]


def build(**kwargs):
    return EncoderDecoderFactory().build_model(**{"task": "segmentation", "num_classes": 3, **kwargs})


def test_an_encoder_that_only_knows_its_channels_is_enough():
    model = build(backbone=Pyramid(), decoder="UNetDecoder", decoder_channels=[16, 8, 8, 4])
    assert isinstance(model, PixelWiseModel)
    output = model(torch.rand(2, 4, 50, 70))
    assert output.output.shape == (2, 3, 50, 70)
    assert output.auxiliary_heads == {}


@pytest.mark.parametrize(("height", "width"), [(64, 64), (33, 97), (160, 48), (16, 16), (7, 9)])
@pytest.mark.parametrize(
    ("decoder", "arguments"),
    [
        ("FCNDecoder", {"decoder_channels": 8}),
        ("UperNetDecoder", {"decoder_channels": 8}),
        ("UNetDecoder", {"decoder_channels": [16, 8, 8, 4]}),
        ("LinearDecoder", {"decoder_upsampling_size": 16}),
        ("IdentityDecoder", {}),
    ],
)
def test_automatic_necks_give_every_decoder_a_map_of_any_size(decoder, arguments, height, width):
    model = build(backbone=Tokens(), decoder=decoder, necks="auto", **arguments).eval()
    assert model(torch.rand(1, 4, height, width)).output.shape == (1, 3, height, width)


def test_images_are_padded_to_what_the_necks_need_and_no_further():
    flat = build(backbone=Tokens(), decoder="FCNDecoder", decoder_channels=8, necks="auto")
    pyramid = build(backbone=Tokens(), decoder="UperNetDecoder", decoder_channels=8, necks="auto")
    assert flat.size_multiple == [1, 16, 16]
    assert pyramid.size_multiple == [1, 32, 32]


def test_a_forgotten_neck_is_named_with_both_shapes_and_the_remedy():
    with pytest.raises(CompositionError) as caught:
        build(backbone=Tokens(), decoder="UNetDecoder", decoder_channels=[16, 8, 8, 4])
    message = str(caught.value)
    assert message.startswith("decoder: the decoder 'UNetDecoder' does not fit")
    assert "6 x (1, 197, 12)" in message
    assert "4 features of shape (B, C, H, W)" in message
    for neck in ("SelectIndices", "ReshapeTokensToImage", "LearnedInterpolateToPyramidal"):
        assert neck in message


def test_explicit_necks_win_over_derived_ones():
    necks = [{"name": "SelectIndices", "indices": [0, 1, 2, 5]}, {"name": "ReshapeTokensToImage"}]
    model = build(backbone=Tokens(), decoder="UperNetDecoder", decoder_channels=8, necks=necks)
    assert model.necks == necks
    assert necks[0] == {"name": "SelectIndices", "indices": [0, 1, 2, 5]}


def test_labels_come_from_tokens_too():
    model = build(task="classification", backbone=Tokens(), decoder="IdentityDecoder", necks="auto")
    assert isinstance(model, ScalarOutputModel)
    assert model(torch.rand(2, 4, 64, 32)).output.shape == (2, 3)


def test_regression_drops_the_channel_only_where_there_is_one_quantity():
    one = EncoderDecoderFactory().build_model("regression", Pyramid(), "FCNDecoder", decoder_channels=8)
    two = EncoderDecoderFactory().build_model("regression", Pyramid(), "FCNDecoder", decoder_channels=8, num_outputs=2)
    x = torch.rand(2, 4, 32, 32)
    assert one(x).output.shape == (2, 32, 32)
    assert two(x).output.shape == (2, 2, 32, 32)


def test_one_class_keeps_its_axis():
    model = build(backbone=Pyramid(), decoder="FCNDecoder", decoder_channels=8, num_classes=1)
    assert model(torch.rand(2, 4, 32, 32)).output.shape == (2, 1, 32, 32)


def test_auxiliary_decoders_have_heads_of_their_own():
    model = build(
        backbone=Pyramid(),
        decoder="UNetDecoder",
        decoder_channels=[16, 8, 8, 4],
        head_dropout=0.5,
        aux_decoders=[
            {"name": "fcn", "decoder": "FCNDecoder", "decoder_args": {"decoder_channels": 4, "head_dropout": 0.1}},
            {"name": "linear", "decoder": "LinearDecoder", "decoder_args": {"decoder_upsampling_size": 16}},
        ],
    )
    outputs = model(torch.rand(2, 4, 32, 32)).auxiliary_heads
    assert {name: tuple(output.shape) for name, output in outputs.items()} == dict.fromkeys(
        ("fcn", "linear"), (2, 3, 32, 32)
    )
    dropout = [part.p for part in model.aux_heads["fcn"].modules() if isinstance(part, nn.Dropout)]
    assert dropout == [0.1]


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"task": "segmentatoin"}, UnknownTaskError, "did you mean 'segmentation'"),
        ({"decoder": "FCNDecodr"}, UnknownNameError, "FCNDecoder"),
        ({"decoder_chanels": 8}, ArgumentError, "did you mean 'decoder_channels'"),
        ({"head_droput": 0.1}, ArgumentError, "did you mean 'head_dropout'"),
        ({"num_clases": 3}, ArgumentError, r"arguments {'num_clases': 3} were passed but not used"),
        ({"backbone_depth": 3}, ArgumentError, "the backbone is a module"),
        ({"backbone_padding": "mirror"}, ArgumentError, "reflect"),
        ({"num_outputs": 2}, ArgumentError, "only one"),
        ({"necks": "automatic"}, ArgumentError, "'auto'"),
        ({"num_classes": None}, ArgumentError, "num_classes"),
        ({"decoder": None}, ArgumentError, "a decoder must be provided"),
    ],
)
def test_a_mistake_is_one_clear_error(arguments, error, says):
    with pytest.raises(error, match=re.escape(says)):
        build(**{"backbone": Pyramid(), "decoder": "FCNDecoder", **arguments})


def test_another_head_can_be_named():
    model = build(
        backbone=Pyramid(), decoder="FCNDecoder", decoder_channels=8, head="RegressionHead", head_final_act="ReLU"
    )
    assert type(model.head).__name__ == "RegressionHead"
    assert model(torch.rand(1, 4, 32, 32)).output.shape == (1, 3, 32, 32)
    with pytest.raises(UnknownNameError, match="did you mean 'RegressionHead'"):
        build(backbone=Pyramid(), decoder="FCNDecoder", head="RegresionHead")


def test_an_unknown_backbone_is_not_mistaken_for_a_key_error_inside_a_constructor():
    with pytest.raises(UnknownNameError, match="prithvi_eo_tiny"):
        build(backbone="prithvi_eo_tinny", decoder="FCNDecoder")


def test_an_encoder_without_channels_breaks_the_contract():
    for encoder in (nn.ReLU(), nn.Conv2d(3, 4, 3)):
        with pytest.raises(AttributeError, match="backbone must have out_channels attribute"):
            build(backbone=encoder, decoder="FCNDecoder")
    assert issubclass(EncoderContractError, CompositionError)


def test_an_encoder_that_returns_one_tensor_breaks_the_contract():
    class OneTensor(Pyramid):
        def forward(self, x):
            return super().forward(x)[-1]

    with pytest.raises(EncoderContractError, match="returned a Tensor"):
        build(backbone=OneTensor(), decoder="FCNDecoder")


def test_channels_that_contradict_the_features_are_found():
    encoder = Pyramid()
    encoder.out_channels[2] += 1
    with pytest.raises(EncoderContractError, match="25 channels"):
        build(backbone=encoder, decoder="FCNDecoder")


class TestFreezing:
    def test_frozen_normalisation_and_dropout_stay_as_in_evaluation(self):
        model = build(backbone=Pyramid(), decoder="FCNDecoder", decoder_channels=8)
        model.freeze_encoder()
        model.train()
        before = copy.deepcopy(model.encoder.state_dict())
        outputs = [model.encoder(torch.ones(2, 4, 32, 32))[-1] for _ in range(2)]
        model(torch.rand(2, 4, 32, 32)).output.sum().backward()
        assert torch.equal(*outputs)
        assert all(torch.equal(value, before[key]) for key, value in model.encoder.state_dict().items())
        assert all(parameter.grad is None for parameter in model.encoder.parameters())
        assert model.decoder.training

    def test_each_part_can_be_frozen(self):
        model = build(backbone=Tokens(), decoder="UperNetDecoder", decoder_channels=8, necks="auto")
        model.freeze_decoder()
        model.freeze_head()
        trainable = {name.split(".")[0] for name, parameter in model.named_parameters() if parameter.requires_grad}
        assert trainable == {"encoder"}


def test_an_encoder_is_given_what_it_takes_of_a_sample():
    encoder = Tokens()
    model = build(backbone=encoder, decoder="FCNDecoder", decoder_channels=8, necks="auto")
    coordinates = torch.rand(1, 2)
    with pytest.warns(UserWarning, match="Tokens takes no wavelengths: left out"):
        model(torch.rand(1, 4, 32, 32), location_coords=coordinates, wavelengths=[1, 2])
    assert encoder.seen[-1] is coordinates


def test_a_copy_is_independent():
    model = build(backbone=Tokens(), decoder="FCNDecoder", decoder_channels=8, necks="auto").eval()
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    x = torch.rand(1, 4, 32, 32)
    assert twin(x).output.abs().sum() == 0
    assert model(x).output.abs().sum() > 0


def test_checking_a_composition_changes_nothing():
    encoder = Pyramid().train()
    before = copy.deepcopy(encoder.state_dict())
    model = build(backbone=encoder, decoder="FCNDecoder", decoder_channels=8)
    assert model.training
    assert all(torch.equal(value, before[key]) for key, value in model.encoder.state_dict().items())


def test_a_composition_can_be_exported():
    model = build(backbone=Tokens(), decoder="UperNetDecoder", decoder_channels=8, necks="auto").eval()
    x = torch.rand(1, 4, 50, 40)
    exported = torch.export.export(model, (x,)).module()
    torch.testing.assert_close(exported(x).output, model(x).output)
