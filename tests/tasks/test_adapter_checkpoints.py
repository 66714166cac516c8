"""Checkpoints of trainings with adapters: what is in them, and that nothing is lost."""

import lightning.pytorch as pl
import pytest
import torch
from safetensors.torch import save_file
from torch.utils.data import DataLoader, Dataset

from isthmus.errors import ArgumentError, WeightsError
from isthmus.models import EncoderDecoderFactory
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.tasks import SemanticSegmentationTask

pytest.importorskip("peft")
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*no `val_dataloader`"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec", "ignore:peft_config. the encoder under the adapters"),
    pytest.mark.filterwarnings("ignore:.*treespec.*"),
]

SIZES = {"depth": 2, "embed_dim": 64, "num_heads": 2, "img_size": 32}
LORA = {
    "method": "LORA",
    "replace_qkv": "qkv",
    "peft_config_kwargs": {"target_modules": ["q_linear", "v_linear"], "r": 2},
}


class Chips(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        image = torch.randn(6, 32, 32, generator=torch.Generator().manual_seed(index))
        return {"image": image, "mask": (image[0] > 0).long(), "temporal_coords": torch.tensor([[2018.0, 26.0]])}


@pytest.fixture
def published(tmp_path):
    torch.manual_seed(7)
    path = tmp_path / "base.safetensors"
    save_file(ISTHMUS_BACKBONE_REGISTRY.build("prithvi_eo_tiny", **SIZES).state_dict(), path)
    return path


def task(ckpt_path=None, peft_config=LORA, seed=0, **kwargs):
    torch.manual_seed(seed)
    model_args = {
        "backbone": "prithvi_eo_tiny",
        "backbone_kwargs": {**SIZES, "ckpt_path": None if ckpt_path is None else str(ckpt_path)},
        "necks": "auto",
        "decoder": "FCNDecoder",
        "decoder_channels": 8,
        "num_classes": 2,
    }
    model_args |= {} if peft_config is None else {"peft_config": peft_config}
    return SemanticSegmentationTask(model_args, "EncoderDecoderFactory", **{"lr": 1e-2, **kwargs})


def fit(trained, folder, epochs=1, ckpt_path=None):
    trainer = pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        default_root_dir=folder,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    trainer.fit(trained, DataLoader(Chips(), 2), ckpt_path=ckpt_path, weights_only=True if ckpt_path else None)
    path = folder / f"epoch{epochs}.ckpt"
    trainer.save_checkpoint(path)
    return path


@torch.no_grad()
def outputs(trained):
    return trained.eval()(torch.stack([Chips()[index]["image"] for index in range(4)])).output


def test_a_published_base_is_left_out_and_put_back(tmp_path, published):
    trained = task(published)
    path = fit(trained, tmp_path)
    stored = torch.load(path, weights_only=True)
    in_encoder = [key for key in stored["state_dict"] if key.startswith("model.encoder.")]
    assert in_encoder
    assert all("lora_" in key for key in in_encoder)
    assert set(stored["state_dict"]) < set(trained.state_dict())
    assert path.stat().st_size < published.stat().st_size
    assert stored["weights_under_adapters"]["source"] == str(published)

    again = SemanticSegmentationTask.load_from_checkpoint(path, map_location="cpu")
    assert torch.equal(outputs(again), outputs(trained))


def test_a_training_goes_on_from_a_checkpoint_of_adapters(tmp_path, published):
    whole = task(published)
    fit(whole, tmp_path, epochs=2)
    first = fit(task(published), tmp_path, epochs=1)
    resumed = task(published, seed=5)
    fit(resumed, tmp_path, epochs=2, ckpt_path=first)
    torch.testing.assert_close(outputs(resumed), outputs(whole))


def test_another_base_is_refused(tmp_path, published):
    path = fit(task(published), tmp_path)
    other = tmp_path / "other.safetensors"
    torch.manual_seed(8)
    save_file(ISTHMUS_BACKBONE_REGISTRY.build("prithvi_eo_tiny", **SIZES).state_dict(), other)
    stored = torch.load(path, weights_only=True)
    for wrong in (task(other), task(None)):
        with pytest.raises(WeightsError, match=f"which came from {published}; those of this encoder are others"):
            wrong.on_load_checkpoint(dict(stored))
    with pytest.raises(WeightsError, match="holds adapters without the weights under them, but the model has no"):
        task(published, peft_config=None).on_load_checkpoint(dict(stored))
    published.unlink()
    with pytest.raises(WeightsError, match=r"base\.safetensors"):
        SemanticSegmentationTask.load_from_checkpoint(path, map_location="cpu")


def test_random_weights_are_kept(tmp_path):
    trained = task(None)
    path = fit(trained, tmp_path)
    stored = torch.load(path, weights_only=True)
    assert set(stored["state_dict"]) == set(trained.state_dict())
    again = SemanticSegmentationTask.load_from_checkpoint(path, map_location="cpu")
    assert torch.equal(outputs(again), outputs(trained))


def test_weights_that_are_random_in_part_are_kept(tmp_path, published):
    sizes = {**SIZES, "ckpt_path": str(published), "bands": ["BLUE", "RED", "VV"], "new_bands": "random"}
    model = EncoderDecoderFactory().build_model(
        "segmentation",
        "prithvi_eo_tiny",
        "FCNDecoder",
        backbone_kwargs=sizes,
        num_classes=2,
        necks="auto",
        peft_config=LORA,
    )
    assert not model.encoder.base_is_published


def test_adalora_moves_its_ranks_and_adds_its_penalty(tmp_path, published):
    kwargs = {"target_modules": ["q_linear", "fc1"], "init_r": 4, "target_r": 1, "total_step": 8, "tinit": 1}
    config = {**LORA, "method": "ADALORA", "peft_config_kwargs": {**kwargs, "tfinal": 2, "deltaT": 1}}
    trained = task(published, config)
    batch = next(iter(DataLoader(Chips(), 2)))
    trained.log = trained.log_dict = lambda *_, **__: None
    with_penalty = trained.training_step(batch, 0)
    for part in trained.modules():
        settings = getattr(part, "peft_config", None)
        if isinstance(settings, dict):
            settings["default"].orth_reg_weight = 0.0
    assert with_penalty > trained.training_step(batch, 0)
    trained = task(published, config)
    fit(trained, tmp_path, epochs=4)
    singular = [value for name, value in trained.named_parameters() if "lora_E" in name]
    assert any((value == 0).any() for value in singular)
    assert any((value != 0).any() for value in singular)


def test_a_frozen_backbone_excludes_adapters(published):
    with pytest.raises(ArgumentError, match="exclude each other"):
        task(published, freeze_backbone=True)
    ready = task(published).model
    with pytest.raises(ArgumentError, match="exclude each other"):
        SemanticSegmentationTask(model=ready, num_classes=2, freeze_backbone=True)
    SemanticSegmentationTask(model=ready, num_classes=2, freeze_decoder=True)
