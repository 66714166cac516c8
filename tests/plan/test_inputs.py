"""What an encoder takes: published, or found once; and a plan that feeds every modality."""

import pytest
import torch
from torch import nn

from isthmus.errors import EncoderContractError
from isthmus.models import EncoderDecoderFactory
from isthmus.plan import check_encoder, plan
from isthmus.plan.probe import as_size, example_input, input_spec, trial_size
from isthmus.specs import FeatureSpec, InputSpec, Modality


class Several(nn.Module):
    """A convolution for each modality; what they give is added."""

    def __init__(self, **channels):
        super().__init__()
        self.input_spec = InputSpec(modalities={name: Modality(count) for name, count in channels.items()})
        self.out_channels, self.feature_specs = [4], [FeatureSpec(4, stride=(2.0, 2.0))]
        self.stems = nn.ModuleDict({name: nn.Conv2d(count, 4, 2, 2) for name, count in channels.items()})

    def forward(self, x):
        return [sum(stem(x[name]) for name, stem in self.stems.items())]


class Plain(nn.Module):
    out_channels = [4]

    def __init__(self, **said):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        for name, value in said.items():
            setattr(self, name, value)

    def forward(self, x):
        return [self.conv(x)]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, InputSpec.of_image(3)),
        ({"in_channels": 2, "bands": ["VV", "VH"]}, InputSpec.of_image(2, ("VV", "VH"))),
        ({"image_size": (64, 32)}, InputSpec.of_image(3, image_size=(64, 32))),
        ({"image_size": 64}, InputSpec.of_image(3, image_size=(64, 64))),
        ({"patch_size": 16}, InputSpec.of_image(3, multiple=16)),
        ({"patch_size": (2, 8, 4), "num_frames": 4}, InputSpec.of_image(3, frames=4, multiple=(2, 8, 4))),
        ({"patch_size": 8, "size_multiple": 32}, InputSpec.of_image(3, multiple=32)),
        ({"needs_time_axis": True}, InputSpec.of_image(3, time_axis=True)),
        ({"modality_bands": {"S1": ["VV"], "S2": ["RED", 4]}}, None),
    ],
)
def test_what_an_encoder_takes_is_found(said, expected):
    if expected is None:
        expected = InputSpec(modalities={"S1": Modality(1, ("VV",)), "S2": Modality(2, ("RED", 4))})
    assert input_spec(Plain(**said)) == expected


def test_what_is_published_wins():
    encoder = Several(S1=2, S2=5)
    encoder.patch_size = 16
    assert input_spec(encoder) is encoder.input_spec


def test_an_encoder_that_does_not_say_what_it_takes():
    with pytest.raises(EncoderContractError, match="in_channels: int"):
        input_spec(nn.ReLU())


def test_sizes():
    assert as_size(3) == (3, 3)
    assert as_size([3, 4]) == (3, 4)
    assert trial_size(InputSpec.of_image(3)) == (224, 224)
    assert trial_size(InputSpec.of_image(3, multiple=48)) == (240, 240)
    assert trial_size(InputSpec.of_image(3, image_size=(64, 32))) == (64, 32)
    images = example_input(InputSpec.of_image(3, frames=2), (8, 4), 5)
    assert images.shape == (5, 3, 2, 8, 4)


def test_every_modality_is_fed():
    costs = []
    for channels in ({"S1": 2}, {"S1": 2, "S2": 5}, {"S1": 2, "S2": 5, "DEM": 1}):
        planned = plan({"backbone": Several(**channels), "decoder": "IdentityDecoder", "num_classes": 3}, image_size=32)
        costs.append(planned.flops)
        assert planned.output == [(1, 3, 32, 32)]
    head = 2 * 256 * 4 * 3
    assert costs == [head + 2 * 256 * 4 * 4 * bands for bands in (2, 7, 8)]


def test_the_contract_is_held_against_every_modality():
    assert check_encoder(Several(S1=2, S2=5))

    class Changes(Several):
        def forward(self, x):
            return super().forward({name: image.mul_(2) for name, image in x.items()})

    with pytest.raises(EncoderContractError, match="changes its input"):
        check_encoder(Changes(S1=2, S2=5))


def test_more_modalities_of_terramind_cost_more():
    costs = []
    for modalities in (["S2L2A"], ["S2L2A", "S1GRD"], ["S2L2A", "S1GRD", "DEM"]):
        arguments = {"backbone": "terramind_v1_tiny", "backbone_modalities": modalities, "necks": "auto"}
        costs.append(plan({**arguments, "decoder": "FCNDecoder", "num_classes": 2}).flops)
    assert costs[0] < costs[1] < costs[2]


def test_a_built_model_carries_its_statements():
    model = EncoderDecoderFactory().build_model(
        "segmentation", Plain(patch_size=8), "FCNDecoder", decoder_channels=4, num_classes=2
    )
    assert model.composition.outputs == 2
    assert model.composition.decoder.arguments == {"channels": 4}
    assert model.input_spec == InputSpec.of_image(3, multiple=8)
    assert model.output_spec is None
    assert model(torch.rand(1, 3, 20, 20)).output.shape == (1, 2, 20, 20)
