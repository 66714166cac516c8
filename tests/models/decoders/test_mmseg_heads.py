"""mmsegmentation's heads as decoders: which work, and what the others say."""

import pytest
import torch

from isthmus.errors import CompositionError
from isthmus.registry import DECODER_REGISTRY
from isthmus.specs.features import Pyramid

pytest.importorskip("mmseg")

PYRAMID = ([8, 16, 24, 32], [64, 32, 16, 8])
ONE_STRIDE = ([32] * 4, [8] * 4)

# What a head needs beside `channels` and `num_classes`, and what it runs on.
WORKING = {
    "ANNHead": ({"project_channels": 8, "in_index": [-2, -1]}, PYRAMID),
    "APCHead": ({}, PYRAMID),
    "ASPPHead": ({}, PYRAMID),
    "DAHead": ({"pam_channels": 8}, PYRAMID),
    "DMHead": ({}, PYRAMID),
    "DNLHead": ({}, PYRAMID),
    "DPTHead": ({"embed_dims": 32, "post_process_channels": [8, 16, 32, 32]}, ONE_STRIDE),
    "EMAHead": ({"ema_channels": 8, "num_bases": 4, "num_stages": 2}, PYRAMID),
    "EncHead": ({}, PYRAMID),
    "FCNHead": ({}, PYRAMID),
    "FPNHead": ({"feature_strides": [4, 8, 16, 32]}, PYRAMID),
    "GCHead": ({}, PYRAMID),
    "LightHamHead": ({"ham_channels": 32, "ham_kwargs": {"MD_R": 4}}, PYRAMID),
    "ISAHead": ({"isa_channels": 8}, PYRAMID),
    "LRASPPHead": ({"in_index": [0, 1, 2], "branch_channels": (8, 16)}, PYRAMID),
    "NLHead": ({}, PYRAMID),
    "PSPHead": ({}, PYRAMID),
    "SegformerHead": ({}, PYRAMID),
    "SegmenterMaskTransformerHead": ({"num_layers": 1, "num_heads": 4, "embed_dims": 32}, ONE_STRIDE),
    "DepthwiseSeparableASPPHead": ({"c1_in_channels": 8, "c1_channels": 4}, PYRAMID),
    "DepthwiseSeparableFCNHead": ({}, PYRAMID),
    "SETRMLAHead": ({"mla_channels": 8}, ONE_STRIDE),
    "SETRUPHead": ({}, ONE_STRIDE),
    "STDCHead": ({}, PYRAMID),
    "UPerHead": ({}, PYRAMID),
}
NEEDS_COMPILED_OPERATORS = {"CCHead": {}, "PSAHead": {"mask_size": (8, 8)}}
LARGER_IMAGE = {"LRASPPHead": 4}  # it pools over windows of 49 cells


def test_every_listed_head_is_in_one_of_the_tables():
    assert set(DECODER_REGISTRY["mmseg"]) == set(WORKING) | set(NEEDS_COMPILED_OPERATORS)


@pytest.mark.parametrize("name", list(WORKING))
def test_it_works(name):
    arguments, (channels, sizes) = WORKING[name]
    scale = LARGER_IMAGE.get(name, 1)
    given = [torch.randn(2, c, s * scale, s * scale) for c, s in zip(channels, sizes, strict=True)]
    arguments = {"channels": 32, "num_classes": 2, **arguments}
    assert DECODER_REGISTRY.entry(f"mmseg_{name}").signature().faults(["channel_list", *arguments], name) == []
    decoder = DECODER_REGISTRY.build(f"mmseg_{name}", channels, **arguments)
    assert decoder.includes_head
    assert decoder.out_channels == 2
    decoder.train()
    output = decoder(given)
    assert output.shape[:2] == (2, 2)
    output.sum().backward()
    assert any(parameter.grad is not None for parameter in decoder.parameters())
    assert decoder.eval()(given).shape == output.shape


@pytest.mark.parametrize("name", list(NEEDS_COMPILED_OPERATORS))
def test_it_says_that_it_needs_compiled_operators(name):
    arguments = {"channels": 8, "num_classes": 2, **NEEDS_COMPILED_OPERATORS[name]}
    with pytest.raises(CompositionError, match=f"mmseg_{name} needs compiled operators of mmcv"):
        DECODER_REGISTRY.build(f"mmseg_{name}", [8, 16], **arguments)


def test_which_features_it_takes():
    last = DECODER_REGISTRY.build("mmseg_FCNHead", [8, 16], channels=4, num_classes=3)
    assert last.head.in_channels == 16
    first = DECODER_REGISTRY.build("mmseg_FCNHead", [8, 16], channels=4, num_classes=3, in_index=0)
    assert first.head.in_channels == 8
    both = DECODER_REGISTRY.build("mmseg_FCNHead", [8, 16], channels=4, num_classes=3, input_transform="resize_concat")
    assert both.head.in_channels == 24
    assert tuple(both([torch.zeros(2, 8, 8, 8), torch.zeros(2, 16, 4, 4)]).shape) == (2, 3, 8, 8)


def test_a_feature_that_is_not_there():
    with pytest.raises(CompositionError, match=r"to take the features \[2\], but is given 2"):
        DECODER_REGISTRY.build("mmseg_FCNHead", [8, 16], channels=4, num_classes=3, in_index=2)


def test_requirements():
    heads = {name: DECODER_REGISTRY.entry(f"mmseg_{name}") for name in ("FPNHead", "UPerHead", "FCNHead")}
    found = {name: entry.load().requirement_for(**entry.preset).pyramid for name, entry in heads.items()}
    assert found == {"FPNHead": Pyramid.REQUIRED, "UPerHead": Pyramid.PREFERRED, "FCNHead": Pyramid.NONE}


def test_it_keeps_quiet(capfd):
    DECODER_REGISTRY.build("mmseg_FCNHead", [8], channels=4, num_classes=2)
    assert capfd.readouterr() == ("", "")
