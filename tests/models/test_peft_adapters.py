"""Adapters of `peft` in encoders: the recorded numbers, what is trained, merging, folders, and what is refused."""

import copy
import json
import math
import sys

import pytest
import torch
from oracle import cases, differences, load_manifests, load_oracle
from safetensors.torch import load_file, save_file
from torch import nn

from isthmus.errors import ArgumentError, CompositionError, MissingExtraError, WeightsError
from isthmus.models import EncoderDecoderFactory, FullModelFactory, Model, ModelOutput
from isthmus.models.adapters import AdaptedEncoder, load_adapter, merge_adapters, save_adapter, use_adapter
from isthmus.models.adapters.fused_qkv import fuse_qkv, split_qkv
from isthmus.models.adapters.rank_allocation import adapter_penalty, after_step
from isthmus.models.adapters.unused import check_adapters_are_called
from isthmus.plan import plan
from isthmus.registry import FULL_MODEL_REGISTRY, ISTHMUS_BACKBONE_REGISTRY, Entry
from isthmus.specs.features import FeatureSpec
from isthmus.tasks import SemanticSegmentationTask

peft = pytest.importorskip("peft")
pytestmark = pytest.mark.filterwarnings("ignore:peft_config. the encoder under the adapters has no pretrained weights")

CASES = cases("models", "model.peft")
LORA = {"method": "LORA", "peft_config_kwargs": {"target_modules": ["attn.proj", "fc1"], "r": 2}}
SPLIT = {
    "method": "LORA",
    "replace_qkv": "qkv",
    "peft_config_kwargs": {"target_modules": ["qkv.q_linear", "qkv.v_linear"], "r": 2},
}


def encoder(seed=0, **kwargs):
    torch.manual_seed(seed)
    return ISTHMUS_BACKBONE_REGISTRY.build("prithvi_eo_tiny", depth=2, embed_dim=32, num_heads=2, img_size=32, **kwargs)


def adapted(config=LORA, seed=0):
    return AdaptedEncoder(encoder(seed), config, base_is_published=True)


def images(count=2):
    return torch.randn(count, 6, 32, 32, generator=torch.Generator().manual_seed(1))


def train(model, steps=2):
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(trained, 1e-2)
    model.train()
    for step in range(steps):
        optimizer.zero_grad()
        loss = sum(feature.square().mean() for feature in model(images()))
        penalty = adapter_penalty(model)
        (loss if penalty is None else loss + penalty).backward()
        optimizer.step()
        after_step(model, step)
    return model.eval()


@torch.no_grad()
def last(model):
    return model.eval()(images())[-1]


@pytest.mark.real
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_recorded_models(shared, case):
    if "build_raises" in case:
        # The reference warns that no layer was split and fails on the targets; here the first mistake is told.
        with pytest.raises(ArgumentError, match=r"no layer of PrithviViT is called 'foo'.*attn\.qkv, attn\.proj"):
            EncoderDecoderFactory().build_model(**case["kwargs"])
        return
    with pytest.warns(UserWarning, match="no pretrained weights"):
        model = EncoderDecoderFactory().build_model(**case["kwargs"]).eval()
    recorded = {entry[0]: (entry[1], entry[2]) for entry in load_manifests().manifest(case)}
    assert {key: tuple(value.shape) for key, value in model.state_dict().items()} == {
        key: shape for key, (shape, _) in recorded.items()
    }
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert trained == {key for key, (_, kind) in recorded.items() if kind == "trainable"}
    check = load_oracle()
    check.fill_(model, fixed=load_manifests().fixed_keys(case))
    (run,) = case["runs"]
    x = check.make_inputs(run["inputs"])["x"]
    merged = merge_adapters(model)
    with torch.no_grad():
        assert not differences(run["outputs"], {"output": model(x).output})
        assert not differences(run["outputs"], {"output": merged(x).output})
    plain = {**case["kwargs"], "peft_config": None}
    assert list(merged.state_dict()) == list(EncoderDecoderFactory().build_model(**plain).state_dict())


def test_the_contract_of_the_encoder_is_kept():
    plain, adapters = encoder(), adapted()
    for name in ("out_channels", "feature_specs", "patch_size", "in_channels", "image_size", "bands", "num_frames"):
        assert getattr(adapters, name) == getattr(plain, name), name
    with pytest.warns(UserWarning, match="PrithviViT takes no unknown: left out"):
        adapters(images(), location_coords=torch.zeros(2, 2), unknown=1)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = adapters.nonsense
    torch.testing.assert_close(last(copy.deepcopy(adapters)), last(adapters))


def test_a_split_layer_gives_what_the_fused_one_gives():
    plain, split = encoder(), encoder()
    split_qkv(split, "qkv")
    assert "blocks.0.attn.qkv.q_linear.weight" in split.state_dict()
    torch.testing.assert_close(last(split), last(plain), rtol=1e-6, atol=1e-6)
    fuse_qkv(split)
    assert list(split.state_dict()) == list(plain.state_dict())
    assert all(torch.equal(split.state_dict()[key], value) for key, value in plain.state_dict().items())
    with pytest.raises(ArgumentError, match=r"blocks\.0\.mlp\.fc1 is .*three times as many"):
        split_qkv(encoder(), "mlp.fc1")
    with pytest.raises(ArgumentError, match=r"did you mean 'attn\.qkv'"):
        split_qkv(encoder(), "attn.qvk")


SHOWN = ("LORA", "IA3", "VERA", "OFT", "ADALORA", "LOHA", "LOKR", "LN_TUNING", "RANDLORA", "DELORA")
KWARGS = {
    "IA3": {"target_modules": ["fc1", "fc2"], "feedforward_modules": ["fc2"]},
    "ADALORA": {"target_modules": ["fc1", "fc2"], "total_step": 9, "tinit": 1, "tfinal": 2, "deltaT": 1},
    "LN_TUNING": {"target_modules": ["norm1"]},
}


@pytest.mark.parametrize("method", SHOWN)
@pytest.mark.filterwarnings("ignore::UserWarning:peft")
def test_methods_train_merge_and_come_back_from_a_folder(tmp_path, method):
    kwargs = KWARGS.get(method, {"target_modules": ["fc1", "fc2", "q_linear"]})
    plain = encoder()
    tuned = adapted({"method": method.lower(), "replace_qkv": "qkv", "peft_config_kwargs": kwargs})
    check_adapters_are_called(tuned)
    before = last(tuned)
    if method in ("LORA", "IA3", "OFT", "LN_TUNING"):
        torch.testing.assert_close(before, last(plain), rtol=1e-5, atol=1e-5)
    frozen = {key: value.clone() for key, value in tuned.state_dict().items() if key in tuned.base_keys()}
    train(tuned)
    assert (last(tuned) - before).abs().max() > 1e-5
    assert all(torch.equal(value, tuned.state_dict()[key]) for key, value in frozen.items())
    assert tuned.base_is_published

    merged = merge_adapters(tuned)
    assert list(merged.state_dict()) == list(plain.state_dict())
    torch.testing.assert_close(last(merged), last(tuned), rtol=1e-5, atol=1e-5)

    save_adapter(tuned, tmp_path)
    holder = nn.Module()
    holder.encoder = encoder()
    load_adapter(holder, tmp_path, "again")
    assert torch.equal(last(holder.encoder), last(tuned))


def test_several_adapters_on_one_base(tmp_path):
    for seed in (3, 4):
        torch.manual_seed(seed)
        model = adapted(SPLIT)
        torch.manual_seed(seed)
        train(model, steps=seed)
        save_adapter(model, tmp_path / str(seed))
    third, fourth = adapted(SPLIT), adapted(SPLIT)
    load_adapter(third, tmp_path / "3")
    load_adapter(fourth, tmp_path / "4")
    both = adapted(SPLIT)
    load_adapter(both, tmp_path / "3", "three")
    load_adapter(both, tmp_path / "4", "four")
    assert both.adapters == ["default", "three", "four"]
    assert both.active_adapter == "four"
    assert torch.equal(last(both), last(fourth))
    use_adapter(both, "three")
    assert torch.equal(last(both), last(third))
    trained = [name for name, parameter in both.named_parameters() if parameter.requires_grad]
    assert trained
    assert all(".three." in name for name in trained)
    assert not any("four" in key for key in both.base_keys())
    save_adapter(both, tmp_path / "four", "four")
    load_adapter(third, tmp_path / "four")
    assert torch.equal(last(third), last(fourth))
    with pytest.raises(ArgumentError, match="no adapter 'fuor'; did you mean 'four'"):
        use_adapter(both, "fuor")


def test_the_folder_is_one_that_peft_reads(tmp_path):
    tuned = train(adapted())
    save_adapter(tuned, tmp_path)
    read = peft.PeftModel.from_pretrained(encoder(), str(tmp_path))
    assert torch.equal(last(read), last(tuned))


def test_an_adapter_is_not_put_on_another_base(tmp_path):
    tuned = train(adapted())
    save_adapter(tuned, tmp_path)
    with pytest.raises(WeightsError, match=r"those of this encoder are others \(\d+ of \d+ tensors"):
        load_adapter(adapted(seed=9), tmp_path)
    load_adapter(adapted().bfloat16(), tmp_path)  # the same weights in half the digits
    with pytest.raises(ArgumentError, match="replace_qkv None, but the encoder has 'qkv'"):
        load_adapter(adapted(SPLIT), tmp_path)
    with pytest.raises(ArgumentError, match="of the method"):
        load_adapter(adapted({**LORA, "method": "LOHA"}), tmp_path, "other")
    with pytest.raises(WeightsError, match="holds no adapter"):
        load_adapter(adapted(), tmp_path / "nowhere")
    with pytest.raises(ArgumentError, match="has no encoder"):
        load_adapter(nn.Linear(2, 2), tmp_path)
    with pytest.raises(ArgumentError, match="has no adapters"):
        merge_adapters(encoder())
    own = tmp_path / "isthmus_adapter.json"
    assert json.loads(own.read_text())["replace_qkv"] is None
    own.unlink()  # as written by peft
    load_adapter(adapted(), tmp_path)


def change_entries(change):
    def damage(folder):
        entries = load_file(folder / "adapter_model.safetensors")
        change(entries, min(entries))
        save_file(entries, folder / "adapter_model.safetensors")

    return damage


def overwrite(file, content):
    return lambda folder: (folder / file).write_text(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (overwrite("adapter_model.safetensors", "half"), "adapter_model.safetensors is damaged"),
        (overwrite("adapter_config.json", "{"), "adapter_config.json is damaged or no JSON"),
        (overwrite("adapter_config.json", "{}"), "there is no peft_type"),
        (overwrite("isthmus_adapter.json", "["), "isthmus_adapter.json is damaged or no JSON"),
        (overwrite("isthmus_adapter.json", "[]"), "is not the description of an adapter"),
        (
            change_entries(lambda entries, key: entries.pop(key)),
            r"lacks base_model.model.blocks.0.attn.*lora_A.weight$",
        ),
        (change_entries(lambda entries, key: entries.update(other=entries[key].clone())), "no place for: other"),
        (
            change_entries(lambda entries, key: entries.update({key: torch.zeros(9, 9)})),
            "does not fit the encoder: size",
        ),
        (
            change_entries(lambda entries, key: entries[key].fill_(math.nan)),
            "holds NaN or infinite values in base_model",
        ),
    ],
)
@pytest.mark.parametrize("is_adapted", [False, True])
def test_a_damaged_adapter_is_refused_and_the_model_left_as_it_is(damage, message, is_adapted, tmp_path):
    save_adapter(train(adapted()), tmp_path)
    damage(tmp_path)
    model = nn.Module()
    model.encoder = adapted() if is_adapted else encoder()
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    trained = [parameter.requires_grad for parameter in model.parameters()]
    with pytest.raises(WeightsError, match=message):
        load_adapter(model, tmp_path)
    after = model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(tensor, after[key]) for key, tensor in before.items())
    assert [parameter.requires_grad for parameter in model.parameters()] == trained


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"peft_config_kwargs": {}}, r"peft_config\.method is missing"),
        ({"method": "LORRA"}, "no method 'LORRA'; did you mean 'LORA'"),
        ({"method": "PREFIX_TUNING"}, "made for language models"),
        ({"method": "LORA", "kwargs": {}}, "no key 'kwargs'"),
        ({"method": "LORA", "peft_config_kwargs": {"rank": 2}}, "LoraConfig has no argument 'rank'"),
        ({"method": "LORA", "peft_config_kwargs": {"target_modules": ["fc1", "fc_2"]}}, "'fc_2'; did you mean '.*fc"),
        ({"method": "LORA", "peft_config_kwargs": {"target_modules": r".*\.nothing"}}, "no layer of PrithviViT"),
        ({"method": "LORA", "peft_config_kwargs": {"target_modules": "(["}}, "no regular expression"),
        ({"method": "LORA", "peft_config_kwargs": {"target_modules": ["fc1"], "r": 0}}, "LORA cannot be put into"),
        ({"method": "LORA"}, "target_modules"),
    ],
)
def test_mistakes_in_a_peft_config(config, message):
    with pytest.raises(ArgumentError, match=message):
        adapted(config)


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'isthmus\[peft\]'"):
        adapted()


def test_all_linear_layers():
    tuned = adapted({"method": "LORA", "peft_config_kwargs": {"target_modules": "all-linear"}})
    assert sum(".lora_A." in key for key in tuned.state_dict()) == 2 * 4


def test_a_method_that_changes_the_weights_under_it_keeps_them_in_checkpoints():
    kwargs = {"target_modules": ["fc1"], "init_lora_weights": "pissa"}
    assert adapted().base_is_published
    assert not adapted({"method": "LORA", "peft_config_kwargs": kwargs}).base_is_published


class Convolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(6, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.out_channels, self.feature_specs = [4], [FeatureSpec(4, stride=(1.0, 1.0))]

    def forward(self, x):
        return [self.norm(self.conv(x))]


def test_statistics_of_a_frozen_encoder_stay():
    config = {"method": "LORA", "peft_config_kwargs": {"target_modules": ["conv"]}}
    tuned = AdaptedEncoder(Convolutions(), config).train()
    tuned(images())
    assert tuned.wrapped.norm.num_batches_tracked == 0
    config["peft_config_kwargs"]["modules_to_save"] = ["norm"]
    tuned = AdaptedEncoder(Convolutions(), config).train()
    tuned(images())
    assert tuned.wrapped.norm.modules_to_save["default"].num_batches_tracked == 1
    assert not any("modules_to_save" in key for key in tuned.base_keys())


class ReadsWeights(Convolutions):
    """Uses the weights of a layer without calling it, as torchvision's Swin transformer does."""

    def forward(self, x):
        return [nn.functional.conv2d(x, self.conv.weight, self.conv.bias, padding=1)]


def test_an_adapter_that_would_have_no_effect_is_refused():
    arguments = {"task": "segmentation", "num_classes": 2, "decoder": "FCNDecoder", "decoder_channels": 4}
    config = {"method": "LORA", "peft_config_kwargs": {"target_modules": ["conv"]}}
    EncoderDecoderFactory().build_model(backbone=Convolutions(), peft_config=config, **arguments)
    with pytest.raises(CompositionError, match="adapters of conv would have no effect: ReadsWeights"):
        EncoderDecoderFactory().build_model(backbone=ReadsWeights(), peft_config=config, **arguments)


ARGUMENTS = {
    "task": "segmentation",
    "decoder": "FCNDecoder",
    "decoder_channels": 4,
    "num_classes": 2,
    "necks": "auto",
}


@pytest.mark.parametrize(
    ("backbone", "targets"),
    [
        ({"backbone": "timm_vit_tiny_patch16_224", "backbone_out_indices": [1]}, ["qkv", "mlp.fc1"]),
        ({"backbone": "timm_resnet10t", "backbone_out_indices": [1, 2]}, ["conv2"]),
        ({"backbone": "smp_resnet18", "backbone_out_indices": [1, 2]}, ["conv1"]),
    ],
    ids=lambda value: value.get("backbone") if isinstance(value, dict) else "",
)
def test_backbones_of_other_packages(backbone, targets):
    config = {"method": "LORA", "peft_config_kwargs": {"target_modules": targets, "r": 2}}
    model = EncoderDecoderFactory().build_model(**ARGUMENTS, **backbone, peft_config=config)
    assert model(torch.randn(2, 3, 64, 64)).output.shape == (2, 2, 64, 64)
    assert any("lora_A" in name for name, each in model.encoder.named_parameters() if each.requires_grad)


def test_adapters_around_time_series():
    model = EncoderDecoderFactory().build_model(
        **ARGUMENTS,
        backbone="prithvi_eo_tiny",
        backbone_kwargs={"use_temporal": True, "depth": 1, "embed_dim": 32, "num_heads": 2, "img_size": 32},
        peft_config=SPLIT,
    )
    assert model(torch.randn(1, 6, 3, 32, 32), temporal_coords=torch.zeros(1, 3, 2)).output.shape == (1, 2, 32, 32)
    assert type(merge_adapters(model).encoder).__name__ == "TemporalWrapper"


def test_the_plan_counts_what_is_trained():
    sizes = {"backbone_depth": 1, "backbone_embed_dim": 32, "backbone_num_heads": 2}
    planned = plan({**ARGUMENTS, "backbone": "prithvi_eo_tiny", **sizes, "peft_config": SPLIT}, image_size=32)
    assert planned.on_meta
    assert planned.stages[0].trainable == 2 * (2 * 32 + 32 * 2)
    assert planned.stages[0].parameters > 20 * planned.stages[0].trainable


class Whole(Model):
    """A full model: an encoder and what comes behind it, built as one."""

    def __init__(self, num_outputs=2):
        super().__init__()
        self.encoder, self.decoder, self.head = Convolutions(), nn.Identity(), nn.Conv2d(4, num_outputs, 1)

    def forward(self, x, **kwargs):
        return ModelOutput(self.head(self.encoder(x)[0]))

    def freeze_encoder(self):
        self.freeze("encoder")

    freeze_decoder = freeze_head = freeze_encoder


def test_adapters_in_the_encoder_of_a_full_model():
    config = {"method": "LORA", "peft_config_kwargs": {"target_modules": ["conv"]}}
    registry = FULL_MODEL_REGISTRY["isthmus"]
    registry.add(Entry("whole", Whole))
    try:
        model = FullModelFactory().build_model("segmentation", "whole", 2, peft_config=config)
    finally:
        del registry._entries["whole"]
    trained = {name for name, each in model.named_parameters() if each.requires_grad}
    assert {name.partition(".")[0] for name in trained} == {"encoder", "head"}
    assert all("lora_" in name for name in trained if name.startswith("encoder."))
    with pytest.raises(ArgumentError, match="the full model 'unet' has no encoder of its own"):
        FullModelFactory().build_model("segmentation", "unet", 2, filters=4, peft_config=config)


def test_prompts_beside_adapters_are_trained_and_saved(tmp_path):
    tuned = AdaptedEncoder(encoder(vpt=True, vpt_n_tokens=2), LORA, base_is_published=True)
    prompts = tuned.trained_of_encoder()
    assert prompts
    assert all("vpt_prompt" in name for name in prompts)
    assert not any("vpt_prompt" in key for key in tuned.base_keys())
    save_adapter(train(tuned), tmp_path)
    again = AdaptedEncoder(encoder(vpt=True, vpt_n_tokens=2), LORA)
    load_adapter(again, tmp_path)
    assert torch.equal(last(again), last(tuned))


def test_a_task_sees_adapters_that_were_loaded_after_it_was_built(tmp_path):
    save_adapter(adapted(), tmp_path)
    model = nn.Module()
    model.encoder = encoder()
    task = SemanticSegmentationTask(model=model, model_args={"num_classes": 2})
    task.on_fit_start()
    assert task._adapters is None
    load_adapter(task.model, tmp_path)
    task.on_fit_start()
    assert task._adapters is model.encoder
