"""Visual prompts: in every block, in no feature, and trained where the encoder is not."""

import pytest
import torch
from torch import nn

from isthmus.errors import ArgumentError
from isthmus.models.factories import EncoderDecoderFactory
from isthmus.models.layers.prompts import DeepPrompts
from isthmus.models.layers.transformer import TransformerBlock, run_blocks
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.weights.uninitialised import uninitialised


def small(**kwargs):
    sizes = {"embed_dim": 32, "num_heads": 2, "depth": 3, "img_size": 32}
    return ISTHMUS_BACKBONE_REGISTRY.build("prithvi_eo_tiny", **{**sizes, "vpt": True, "vpt_n_tokens": 4, **kwargs})


def test_tokens_attend_to_the_prompts_of_every_block():
    """A closed form: a block that takes the mean over all tokens sees the prompts, and drops them afterwards."""

    class Mean(nn.Module):
        def forward(self, x):
            return x.mean(1, keepdim=True).expand_as(x)

    prompts = DeepPrompts(2, 3, 4)
    with torch.no_grad():
        prompts[0].fill_(1.0)
        prompts[1].fill_(-1.0)
    blocks = nn.ModuleList([Mean(), Mean()])
    first, second = run_blocks(blocks, nn.Identity(), torch.full((2, 5, 4), 9.0), [0, 1], prompts)
    assert first.shape == second.shape == (2, 5, 4)
    assert first.unique().tolist() == pytest.approx([(5 * 9 + 3 * 1) / 8])
    assert second.unique().tolist() == pytest.approx([(5 * 6 - 3) / 8])


def test_published_names_and_shapes():
    names = {name: tuple(each.shape) for name, each in small().named_parameters() if "prompt" in name}
    assert names == {f"vpt_prompt_embeddings.{index}": (1, 4, 32) for index in range(3)}
    assert not any("prompt" in name for name, _ in small(vpt=False).named_parameters())


def test_prompts_start_in_their_range():
    bound = (6 / (3 * 16 * 16 + 32)) ** 0.5
    drawn = torch.cat([each.flatten() for each in DeepPrompts(2, 100, 32)])
    assert drawn.abs().max().item() == pytest.approx(bound, rel=1e-2)
    assert drawn.mean().item() == pytest.approx(0, abs=bound / 20)


def test_features_are_those_of_the_specs_and_change_with_the_prompts():
    encoder, x = small().eval(), torch.randn(2, 6, 32, 48)
    before = encoder(x)
    assert [feature.shape for feature in before] == [(2, 1 + 2 * 3, 32)] * 3
    with torch.no_grad():
        encoder.vpt_prompt_embeddings[2].normal_()
    after = encoder(x)
    assert torch.equal(after[1], before[1])
    assert not torch.allclose(after[2], before[2])


def test_freezing_the_encoder_leaves_the_prompts_trainable():
    model = EncoderDecoderFactory().build_model(
        "segmentation",
        "prithvi_eo_tiny",
        "FCNDecoder",
        backbone_kwargs={
            "embed_dim": 32,
            "num_heads": 2,
            "depth": 3,
            "vpt": True,
            "vpt_n_tokens": 4,
            "vpt_dropout": 0.5,
        },
        necks="auto",
        num_classes=2,
    )
    model.freeze_encoder()
    model.train()
    encoder = model.encoder
    trained = [name for name, parameter in encoder.named_parameters() if parameter.requires_grad]
    assert trained == [f"vpt_prompt_embeddings.{index}" for index in range(3)]
    assert sum(encoder.get_parameter(name).numel() for name in trained) == 3 * 4 * 32
    assert encoder.vpt_prompt_embeddings.training
    assert not encoder.blocks.training
    model(torch.randn(1, 6, 32, 32)).output.sum().backward()
    assert all(parameter.grad is not None for parameter in encoder.vpt_prompt_embeddings)
    assert encoder.patch_embed.proj.weight.grad is None
    model.eval()
    assert not encoder.vpt_prompt_embeddings.training


def test_prompts_have_values_where_the_rest_is_to_be_loaded(tmp_path):
    plain = small(vpt=False)
    torch.save(plain.state_dict(), tmp_path / "plain.pt")
    encoder = small(ckpt_path=tmp_path / "plain.pt")
    assert encoder.weights_report.random == ()
    assert encoder.weights_report.added == tuple(f"vpt_prompt_embeddings.{index}" for index in range(3))
    assert "added        3  vpt_prompt_embeddings (3)" in str(encoder.weights_report)
    assert not any(each.is_meta for each in encoder.parameters())
    assert all(each.abs().max() > 0 for each in encoder.vpt_prompt_embeddings)
    torch.save(encoder.state_dict(), tmp_path / "tuned.pt")
    again = small(ckpt_path=tmp_path / "tuned.pt")
    assert again.weights_report.added == ()
    assert torch.equal(again.vpt_prompt_embeddings[1], encoder.vpt_prompt_embeddings[1])


def test_prompts_on_meta_and_within_uninitialised():
    with torch.device("meta"):
        assert all(parameter.is_meta for parameter in small().parameters())
    with uninitialised():
        block, prompts = TransformerBlock(32, 2), DeepPrompts(1, 2, 32)
    assert all(parameter.is_meta for parameter in block.parameters())
    assert not any(parameter.is_meta for parameter in prompts.parameters())


def test_dropout_of_prompts_rests_in_evaluation():
    torch.manual_seed(0)
    encoder, x = small(vpt_dropout=0.5), torch.randn(1, 6, 32, 32)
    assert not torch.equal(encoder(x)[-1], encoder(x)[-1])
    encoder.eval()
    assert torch.equal(encoder(x)[-1], encoder(x)[-1])


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"vpt_n_tokens": None}, "vpt_n_tokens is None"),
        ({"vpt_n_tokens": 0}, "vpt_n_tokens is 0"),
        ({"vpt_dropout": 1.5}, "vpt_dropout is 1.5"),
    ],
)
def test_arguments_without_meaning_are_refused(kwargs, message):
    with pytest.raises(ArgumentError, match=message):
        small(**kwargs)
