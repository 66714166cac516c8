"""The plan: what a composition would be, without paying for it."""

import json

import pytest
from torch import nn

from isthmus.errors import CompositionError, ConfigError, UnknownTaskError
from isthmus.plan import plan

UNET_ON_PRITHVI = {
    "backbone": "prithvi_eo_v2_300",
    "backbone_pretrained": True,
    "decoder": "UNetDecoder",
    "decoder_channels": [64, 32, 16, 8],
    "num_classes": 3,
    "necks": "auto",
}


def test_a_plan_says_what_every_part_gives():
    result = plan(UNET_ON_PRITHVI, image_size=(224, 192), batch_size=2)
    assert [stage.name for stage in result.stages] == ["encoder", "neck.0", "neck.1", "neck.2", "decoder", "head"]
    encoder, *_, pyramid, decoder, _ = result.stages
    assert encoder.parameters == 303_886_336
    assert encoder.outputs == [(2, 1 + 14 * 12, 1024)] * 24
    assert [shape[-2:] for shape in pyramid.outputs] == [(56, 48), (28, 24), (14, 12), (7, 6)]
    assert pyramid.strides == [(4, 4), (8, 8), (16, 16), (32, 32)]
    assert decoder.outputs == [(2, 8, 56, 48)]
    assert result.output == [(2, 3, 224, 192)]
    assert result.on_meta
    assert result.derived
    assert result.necks[0] == {"name": "SelectIndices", "indices": [5, 11, 17, 23]}


def test_the_operations_are_those_of_the_formula():
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.out_channels = [16]
            self.conv = nn.Conv2d(4, 16, 3, 2, 1)

        def forward(self, x):
            return [self.conv(x)]

    result = plan({"backbone": Encoder(), "decoder": "IdentityDecoder", "num_classes": 5}, image_size=32, batch_size=3)
    encoder, decoder, head = result.stages
    cells = 3 * 16 * 16
    assert encoder.flops == 2 * cells * 16 * 4 * 9
    assert decoder.flops == 0
    assert head.flops == 2 * cells * 16 * 5
    assert encoder.peak_bytes == 4 * 16 * cells


def test_the_table_shows_the_chain_so_that_it_can_be_pasted():
    table = plan(UNET_ON_PRITHVI).table()
    assert "necks:\n  - name: SelectIndices\n    indices: [5, 11, 17, 23]\n  - name: ReshapeTokensToImage\n" in table
    assert "303.9M" in table


def test_a_plan_is_plain_data():
    data = json.loads(json.dumps(plan(UNET_ON_PRITHVI).to_dict()))
    assert data["totals"]["parameters"] == sum(stage["parameters"] for stage in data["stages"])


def test_a_configuration_is_planned_as_its_task_would_build_it(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(
        """
model:
  class_path: isthmus.tasks.SemanticSegmentationTask
  init_args:
    model_factory: EncoderDecoderFactory
    model_args: {backbone: prithvi_eo_tiny, decoder: FCNDecoder, num_classes: 2, necks: auto}
"""
    )
    assert plan(path).output == [(1, 2, 224, 224)]


def test_a_configuration_without_a_model_says_where_it_is_missing():
    with pytest.raises(ConfigError, match=r"model\.init_args\.model_args"):
        plan({"model": {"class_path": "SemanticSegmentationTask"}})
    with pytest.raises(UnknownTaskError, match="SegmentationTask"):
        plan({"model": {"class_path": "SegmentationTask", "init_args": {"model_args": {}}}})


def test_a_part_that_needs_values_is_run_for_real_and_the_plan_says_so():
    class NeedsValues(nn.Module):
        out_channels = [4]

        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(4, 4, 1)

        def forward(self, x):
            return [self.conv(x * float(x.max().item() + 1))]

    result = plan(
        {"backbone": NeedsValues(), "decoder": "FCNDecoder", "decoder_channels": 4, "num_classes": 2}, image_size=32
    )
    assert not result.on_meta
    assert "for real" in result.table()


def test_a_mismatch_inside_a_foreign_decoder_names_the_stage_and_the_shapes():
    class Decoder(nn.Module):
        out_channels = 8

        def __init__(self, channels):
            super().__init__()
            self.conv = nn.Conv2d(channels[0] + 1, 8, 1)

        def forward(self, features):
            return self.conv(features[0])

    class Encoder(nn.Module):
        out_channels = [4]

        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 2, 2)

        def forward(self, x):
            return [self.conv(x)]

    with pytest.raises(CompositionError, match=r"decoder \(Decoder\) cannot take what it is given") as caught:
        plan({"backbone": Encoder(), "decoder": Decoder, "num_classes": 2}, image_size=32)
    assert "given: (1, 4, 112, 112)" in str(caught.value)
