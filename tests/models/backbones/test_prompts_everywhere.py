"""Visual prompts in the families beside Prithvi and Clay: in no feature, and all that a frozen encoder trains."""

import importlib
from dataclasses import replace

import pytest
import torch

from isthmus.models.factories import EncoderDecoderFactory
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY

DEPTH, TOKENS = 2, 3
RGB = ["RED", "GREEN", "BLUE"]
# By name: the module that holds the sizes, the size of a token (None as it is), arguments, and the shape of images.
FAMILIES = {
    "dofa_small_patch16_224": ("dofa.catalog", 32, {"model_bands": RGB}, (2, 3, 32, 48)),
    "scalemae_base_patch16": ("scale_mae.catalog", 32, {}, (2, 3, 32, 48)),
    "satmae_base_patch16": ("sat_mae.catalog", 32, {}, (2, 3, 32, 48)),
    "satmae_temporal_base_patch16": ("sat_mae.catalog", 448, {}, (2, 3, 3, 32, 48)),
    "satmae_sentinel2_base_patch8": ("sat_mae.catalog", 320, {}, (2, 10, 16, 24)),
    "ssl4eos12_vit_small_patch16_224_sentinel2_all_dino": ("torchgeo_vit.catalog", None, {}, (2, 13, 32, 48)),
    "terramind_v1_tiny": ("terramind.catalog", 32, {}, (2, 12, 32, 48)),
    "terramind_v1_base": (
        "terramind.catalog",
        32,
        {"merge_method": "concat", "modalities": ["S2L2A", "DEM"]},
        (2, 12, 32, 48),
    ),
}


@pytest.fixture(params=FAMILIES)
def name(request, monkeypatch):
    """A backbone with two blocks and small tokens, for the sake of speed."""
    module = importlib.import_module(f"isthmus.models.backbones.{FAMILIES[request.param][0]}")
    channels = FAMILIES[request.param][1]
    if channels is None:
        monkeypatch.setitem(module.SIZES, "small", replace(module.SIZES["small"], depth=DEPTH))
    else:
        sizes = replace(module.VARIANTS[request.param], embed_dim=channels, depth=DEPTH, num_heads=2)
        monkeypatch.setitem(module.VARIANTS, request.param, sizes)
    torch.manual_seed(0)
    return request.param


def build(name, **kwargs):
    prompts = {"vpt": True, "vpt_n_tokens": TOKENS}
    given = {"img_size": 32, "out_indices": [0, 1], **FAMILIES[name][2], **prompts, **kwargs}
    return ISTHMUS_BACKBONE_REGISTRY.build(name, **given).eval()


def images(name):
    return torch.randn(FAMILIES[name][3])


def test_features_keep_their_shapes_and_see_the_prompts_of_their_block(name, tmp_path):
    plain, x = build(name, vpt=False), images(name)
    assert not any("vpt" in key for key in plain.state_dict())
    torch.save(plain.state_dict(), tmp_path / "plain.pt")
    prompted = build(name, ckpt_path=tmp_path / "plain.pt")
    added = tuple(f"vpt_prompt_embeddings.{index}" for index in range(DEPTH))
    assert (prompted.weights_report.added, prompted.weights_report.random) == (added, ())
    assert prompted.feature_specs == plain.feature_specs
    with torch.no_grad():
        without, before = plain(x), prompted(x)
        prompted.vpt_prompt_embeddings[1].normal_()  # a shift alone would be undone by the normalisation
        after = prompted(x)
    assert [each.shape for each in before] == [each.shape for each in without]
    assert not torch.allclose(before[0], without[0], atol=1e-4)
    assert torch.equal(after[0], before[0])
    assert not torch.allclose(after[1], before[1], atol=1e-4)

    torch.save(prompted.state_dict(), tmp_path / "tuned.pt")
    again = build(name, ckpt_path=tmp_path / "tuned.pt")
    assert again.weights_report.added == ()
    with torch.no_grad():
        assert all(torch.equal(mine, theirs) for mine, theirs in zip(again(x), after, strict=True))


def test_prompts_change_nothing_where_no_token_sees_another(name):
    """A closed form: with the output of every attention at zero, features are those of the encoder without prompts."""
    plain, x = build(name, vpt=False), images(name)
    with torch.no_grad():
        for key, parameter in plain.named_parameters():
            if ".attn.proj." in key:
                parameter.zero_()
    prompted = build(name)
    report = prompted.load_state_dict(plain.state_dict(), strict=False)
    assert all(key.startswith("vpt_prompt_embeddings.") for key in report.missing_keys)
    with torch.no_grad():
        for found, expected in zip(prompted(x), plain(x), strict=True):
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_a_frozen_encoder_trains_its_prompts_alone(name):
    encoder = build(name, vpt_dropout=0.1)
    model = EncoderDecoderFactory().build_model("segmentation", encoder, "FCNDecoder", necks="auto", num_classes=2)
    model.freeze_encoder()
    model.train()
    trained = {key: each for key, each in encoder.named_parameters() if each.requires_grad}
    assert list(trained) == [f"vpt_prompt_embeddings.{index}" for index in range(DEPTH)]
    assert sum(each.numel() for each in trained.values()) == DEPTH * TOKENS * (FAMILIES[name][1] or 384)
    model(images(name)).output.square().sum().backward()
    assert all(each.grad is not None and each.grad.abs().sum() > 0 for each in trained.values())
    assert all(each.grad is None for key, each in encoder.named_parameters() if key not in trained)


def test_prompts_are_on_meta_where_the_encoder_is(name):
    with torch.device("meta"):
        assert {each.is_meta for each in build(name).vpt_prompt_embeddings} == {True}
