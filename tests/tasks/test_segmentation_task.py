import csv

import lightning.pytorch as pl
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from isthmus.errors import ArgumentError, DataError, DivergenceError, LabelError, ShapeError
from isthmus.models.base import AuxiliaryHead, Model, ModelOutput
from isthmus.registry import MODEL_FACTORY_REGISTRY, Entry
from isthmus.tasks import SemanticSegmentationTask

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers", "ignore:.*no `val_dataloader`", "ignore:.*LeafSpec"
)


class TinyModel(Model):
    """The smallest thing that keeps the contract of a model."""

    def __init__(self, num_classes=3, channels=2, aux=()):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(channels, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.decoder = nn.Conv2d(8, 8, 1)
        self.head = nn.Conv2d(8, num_classes, 1)
        self.aux_heads = nn.ModuleDict({name: nn.Conv2d(8, num_classes, 1) for name in aux})
        self.seen = []

    def freeze_encoder(self):
        self.encoder.requires_grad_(requires_grad=False)

    def freeze_decoder(self):
        self.decoder.requires_grad_(requires_grad=False)

    def freeze_head(self):
        self.head.requires_grad_(requires_grad=False)

    def forward(self, x, **kwargs):
        self.seen.append(set(kwargs))
        features = self.encoder(x)
        return ModelOutput(
            self.head(self.decoder(features)), {name: head(features) for name, head in self.aux_heads.items()}
        )


class TinyFactory:
    def build_model(self, task, num_classes, channels=2, backbone_pretrained=False, aux_decoders=None):
        if backbone_pretrained:
            raise RuntimeError("this would fetch weights")
        return TinyModel(num_classes, channels, [head.name for head in aux_decoders or []])


@pytest.fixture
def factory():
    MODEL_FACTORY_REGISTRY.add(Entry("TinyFactory", TinyFactory))
    yield "TinyFactory"
    del MODEL_FACTORY_REGISTRY._entries["TinyFactory"]


class Stripes(Dataset):
    """Images whose class can be read off the first band; some pixels are not labelled."""

    def __init__(self, count=8, ignored=-1, extra=None):
        generator = torch.manual_seed(3)
        self.mask = torch.randint(0, 3, (count, 12, 10), generator=generator)
        noise = 0.1 * torch.randn(count, 2, 12, 10, generator=generator)
        self.image = noise + self.mask.unsqueeze(1)
        if ignored is not None:
            self.mask[:, :2] = ignored
        self.extra = extra or {}

    def __len__(self):
        return len(self.mask)

    def __getitem__(self, index):
        return {"image": self.image[index], "mask": self.mask[index], "filename": f"{index}.tif", **self.extra}


def loader(batch_size=4, **kwargs):
    return DataLoader(Stripes(**kwargs), batch_size=batch_size)


def trainer(tmp_path, **kwargs):
    defaults = {
        "max_epochs": 2,
        "accelerator": "cpu",
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "default_root_dir": tmp_path,
    }
    return pl.Trainer(**{**defaults, **kwargs})


def task(**kwargs):
    defaults = {"model": TinyModel(), "num_classes": 3, "ignore_index": -1}
    return SemanticSegmentationTask(**{**defaults, **kwargs})


def batch(**changes):
    found = next(iter(loader()))
    return {**found, **changes}


# --- construction -----------------------------------------------------------------------------------------------------


def test_a_model_or_a_factory_is_needed():
    with pytest.raises(ArgumentError, match="A model_factory or a model"):
        SemanticSegmentationTask(num_classes=3)


def test_the_model_wins_over_the_factory():
    model = TinyModel()
    with pytest.warns(UserWarning, match="the model is used"):
        built = SemanticSegmentationTask({"num_classes": 3}, "TinyFactory", model)
    assert built.model is model


@pytest.mark.parametrize(
    "how", [{"model_args": {"num_classes": 3}}, {"num_classes": 3}, {"class_names": ["a", "b", "c"]}]
)
def test_the_number_of_classes_comes_from_any_side(factory, how):
    assert SemanticSegmentationTask(model=TinyModel(), **how).num_classes == 3
    built = SemanticSegmentationTask(model_factory=factory, **how)
    assert built.model.head.out_channels == 3


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"num_classes": None}, "number of classes is not known"),
        ({"class_names": ["a", "b"]}, "said differently"),
        ({"num_classes": 1}, "two classes or more"),
        ({"class_weights": [1.0, 2.0]}, "2 class_weights are given for 3 classes"),
        ({"class_colors": ["#000000"]}, "1 class_colors"),
        ({"class_colors": ["#000000", "red", "#ffffff"]}, "'red' is neither"),
        ({"output_on_inference": "probs"}, "no 'probs'"),
        ({"output_on_inference": ["prediction", "logit"]}, "did you mean 'logits'"),
        ({"loss": "cross"}, "no loss is called 'cross'"),
        ({"freeze_backbone": True, "model_args": {"peft_config": {"method": "LORA"}}}, "exclude each other"),
        ({"model": nn.Identity(), "freeze_head": True}, "Identity cannot freeze its head"),
        ({"model": TinyModel(aux=["a"]), "aux_loss": {"b": 1.0}}, r"\['a'\].*\['b'\]"),
        ({"model": TinyModel(aux=["a"])}, "give each a weight in aux_loss"),
        ({"aux_loss": {"b": 1.0}}, r"weights without a head: \['b'\]"),
    ],
)
def test_arguments_that_cannot_be(kwargs, message):
    with pytest.raises(ArgumentError, match=message):
        task(**kwargs)


def test_colours_are_triples():
    built = task(class_colors=["#0080ff", [1, 2, 3], "#000000"])
    assert built.class_colors == [(0, 128, 255), (1, 2, 3), (0, 0, 0)]


# --- steps ------------------------------------------------------------------------------------------------------------


def test_other_keys_go_to_the_model_only_where_they_are_present():
    built = task()
    built.run_model(batch())
    built.run_model(batch(location_coords=torch.zeros(4, 2)))
    assert built.model.seen == [set(), {"location_coords"}]


def test_predictions():
    built = task(output_on_inference=["prediction", "probabilities", "logits"]).eval()
    results, filenames = built.predict_step(batch(), 0)
    (classes, pred), (probabilities, _), (logits, _) = results
    assert [suffix for _, suffix in results] == ["pred", "probabilities", "logits"]
    assert pred == "pred"
    assert classes.shape == (4, 12, 10)
    assert torch.equal(classes, logits.argmax(1))
    torch.testing.assert_close(probabilities, logits.softmax(1))
    assert filenames == ["0.tif", "1.tif", "2.tif", "3.tif"]
    (single, suffix), _ = task().eval().predict_step({"image": batch()["image"]}, 0)
    assert single.shape == (4, 12, 10)
    assert suffix == "pred"


def test_images_that_are_not_numbers_are_named(tmp_path):
    data = Stripes()
    data.image[5, 0, 3, 3] = torch.nan
    with pytest.raises(DataError, match=r"holds NaN or infinite values in 5\.tif; set no_data_replace"):
        trainer(tmp_path).fit(task(), DataLoader(data, batch_size=4))
    with pytest.raises(DataError, match=r"5\.tif"):
        trainer(tmp_path).predict(task(), DataLoader(data, batch_size=4))


def test_a_diverged_model_is_told_from_bad_images(tmp_path):
    built = task()
    nn.init.constant_(built.model.head.bias, torch.nan)
    with pytest.raises(DivergenceError, match=r"0\.tif, 1\.tif"):
        trainer(tmp_path).fit(built, loader())


def test_masks_that_do_not_fit(tmp_path):
    data = Stripes()
    data.mask[6, 4, 4] = 9
    with pytest.raises(LabelError, match=r"in 6\.tif: 9 \(1 pixels\); expected 0 to 2 \(-1 is ignored\)"):
        trainer(tmp_path).fit(task(), DataLoader(data, batch_size=4))
    data = Stripes()
    data.mask = data.mask[:, :, :8]
    with pytest.raises(ShapeError, match=r"\(4, 12, 8\).*\(4, 12, 10\)"):
        trainer(tmp_path).fit(task(), DataLoader(data, batch_size=4))
    with pytest.raises(ShapeError, match="expected \\(batch, 3 classes"):
        trainer(tmp_path).fit(task(model=TinyModel(num_classes=5)), loader())


def test_ready_modules_that_give_a_tensor_are_fine(tmp_path):
    trainer(tmp_path, max_epochs=1).fit(task(model=nn.Conv2d(2, 3, 1)), loader())


# --- with the trainer -------------------------------------------------------------------------------------------------


HOURGLASS = {
    "model": "stacked_hourglass",
    "in_chans": 2,
    "num_classes": 3,
    "stem_stride": 1,
    "output_stride": 1,
    "max_stride": 2,
    "stem_filters": 4,
    "filters": 4,
    "stacks": 3,
}


def test_stacks_are_supervised_with_a_weight_of_one_by_default():
    built = SemanticSegmentationTask(HOURGLASS, "FullModelFactory", aux_loss={"stack1": 0.5}, ignore_index=-1)
    assert built.aux_loss == {"stack0": 1.0, "stack1": 0.5}
    batch = next(iter(loader()))
    output = built.run_model(batch)
    losses = [built.criterion(each, batch["mask"]) for each in [output.output, *output.auxiliary_heads.values()]]
    total = built.train_loss_handler.compute_loss(output, batch["mask"], built.criterion, built.aux_loss)["loss"]
    torch.testing.assert_close(total, losses[0] + losses[1] + 0.5 * losses[2])
    total.backward()
    assert all(parameter.grad is not None for parameter in built.model.network.heads.parameters())
    with pytest.raises(ArgumentError, match=r"weights without a head: \['stack2'\]"):
        SemanticSegmentationTask(HOURGLASS, "FullModelFactory", aux_loss={"stack2": 1.0})


def test_fit_validate_test_and_predict(tmp_path, factory):
    torch.manual_seed(0)
    built = SemanticSegmentationTask(
        {"num_classes": 3},
        factory,
        loss={"ce": 1.0, "dice": 0.5},
        aux_heads=[AuxiliaryHead("aux", "any")],
        aux_loss={"aux": 0.2},
        class_names=["sand", "grass", "water"],
        ignore_index=-1,
        lr=0.1,
        scheduler="ReduceLROnPlateau",
        path_to_record_metrics=str(tmp_path / "records"),
    )
    runner = trainer(tmp_path, max_epochs=15)
    runner.fit(built, loader(), loader())
    logged = runner.callback_metrics
    assert logged["val/mIoU"] > 0.95
    expected = {"loss", "ce", "dice", "aux", "mIoU", "mIoU_Micro", "F1_Score", "Accuracy", "Pixel_Accuracy"}
    expected |= {f"{kind}_{name}" for kind in ("IoU", "Class_Accuracy", "F1") for name in built.class_names}
    assert {f"val/{name}" for name in expected | {"Boundary_mIoU"}} <= set(logged)
    assert {f"train/{name}" for name in expected} <= set(logged)
    assert built.confusion["val"].sum() == 8 * 10 * 10
    assert built.confusion["val"].dtype == torch.int64

    (scores,) = runner.test(built, loader(), verbose=False)
    assert scores["test/IoU_water"] > 0.9
    diagonal = built.confusion["test"].diagonal().sum() / built.confusion["test"].sum()
    assert scores["test/Pixel_Accuracy"] == pytest.approx(diagonal.item())
    predictions = runner.predict(built, loader())
    assert [names for _, names in predictions] == [[f"{i}.tif" for i in range(4)], [f"{i}.tif" for i in range(4, 8)]]

    rows = list(csv.DictReader((tmp_path / "records" / "metrics.csv").read_text().splitlines()))
    val = [float(row["value"]) for row in rows if row["split"] == "val" and row["metric"] == "mIoU"]
    assert len(val) == 15  # one an epoch, and none for the sanity check
    assert val[-1] == pytest.approx(logged["val/mIoU"].item())
    assert {row["split"] for row in rows} == {"train", "val", "test"}


def test_the_whole_epoch_is_counted_once(tmp_path):
    built = task()
    runner = trainer(tmp_path)
    (scores,) = runner.validate(built, loader(), verbose=False)
    data = Stripes()
    with torch.no_grad():
        prediction = built.eval().model(data.image).output.argmax(1)
    counted = data.mask != -1
    assert scores["val/Pixel_Accuracy"] == pytest.approx((prediction == data.mask)[counted].double().mean().item())


def test_several_test_sets_by_name(tmp_path):
    built = task(test_dataloaders_names=["dry", "wet", "spare"])
    runner = trainer(tmp_path)
    runner.test(built, [loader(count=4), loader(count=8)], verbose=False)
    logged = runner.callback_metrics
    assert {"test/dry/mIoU", "test/wet/mIoU", "test/dry/loss", "test/wet/loss"} <= set(logged)
    assert built.confusion["test/dry"].sum() == 400
    assert built.confusion["test/wet"].sum() == 800
    with pytest.raises(ArgumentError, match="there are 2 test dataloaders"):
        trainer(tmp_path).test(task(), [loader(), loader()], verbose=False)


def test_all_pixels_ignored_is_no_crash(tmp_path):
    data = Stripes()
    data.mask[:] = -1
    runner = trainer(tmp_path, max_epochs=1)
    runner.fit(task(loss=["ce", "dice", "jaccard", "focal", "lovasz"]), DataLoader(data, batch_size=4))
    assert runner.callback_metrics["train/mIoU"].isnan()


def test_frozen_parts_stay_as_they_are(tmp_path):
    built = task(freeze_backbone=True, freeze_head=True)
    before = [parameter.clone() for parameter in [*built.model.encoder.parameters(), *built.model.head.parameters()]]
    trainer(tmp_path, max_epochs=1).fit(built, loader())
    after = [*built.model.encoder.parameters(), *built.model.head.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_overrides_reach_the_optimizer_and_are_not_lost_to_another(tmp_path):
    built = task(lr=0.1, lr_overrides={"encoder": 0.001})
    assert [group["lr"] for group in built.configure_optimizers()["optimizer"].param_groups] == [0.1, 0.001]
    built.configure_optimizers = lambda: torch.optim.SGD(built.parameters(), lr=1.0)
    with pytest.raises(ArgumentError, match="lr_overrides has no effect"):
        trainer(tmp_path).fit(built, loader())


def test_a_checkpoint_rebuilds_the_task_from_plain_data(tmp_path, factory):
    arguments = {"num_classes": 3, "channels": 2, "backbone_pretrained": False}
    built = SemanticSegmentationTask(
        arguments, factory, class_weights=[1.0, 2.0, 3.0], aux_heads=[AuxiliaryHead("a", "x")], aux_loss={"a": 1.0}
    )
    built.hparams["model_args"]["backbone_pretrained"] = True  # as if it had been
    runner = trainer(tmp_path, max_epochs=1)
    runner.fit(built, loader(ignored=None))
    path = tmp_path / "model.ckpt"
    runner.save_checkpoint(path)
    raw = torch.load(path, weights_only=True)
    assert raw["hyper_parameters"]["aux_heads"] == [{"name": "a", "decoder": "x", "decoder_args": {}}]
    raw["state_dict"]["criterion.weight"] = torch.ones(3)  # as others store it
    torch.save(raw, path)
    again = SemanticSegmentationTask.load_from_checkpoint(path, weights_only=True)
    assert again.criterion.class_weights.tolist() == [1.0, 2.0, 3.0]
    for name, value in built.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


def test_ready_modules_are_given_again(tmp_path):
    built = task(loss=nn.CrossEntropyLoss(ignore_index=-1))
    runner = trainer(tmp_path, max_epochs=1)
    runner.fit(built, loader())
    assert "model" not in built.hparams
    assert "loss" not in built.hparams
    runner.save_checkpoint(tmp_path / "model.ckpt")
    again = SemanticSegmentationTask.load_from_checkpoint(tmp_path / "model.ckpt", model=TinyModel(), weights_only=True)
    assert torch.equal(again.model.head.weight, built.model.head.weight)


class Interrupt(pl.Callback):
    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if trainer.global_step == 3:
            raise RuntimeError("the plug was pulled")


@pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists")
def test_an_interrupted_training_resumes_to_the_same_weights(tmp_path):
    def fresh():
        torch.manual_seed(0)
        hparams = {
            "schedulers": {"LambdaLR": {"lr_lambda": "linear_warmup"}, "CosineAnnealingLR": {"T_max": 8}},
            "milestones": [2],
            "interval": "step",
        }
        return task(model=TinyModel(), lr=0.05, optimizer="AdamW", scheduler="SequentialLR", scheduler_hparams=hparams)

    whole = fresh()
    trainer(tmp_path, max_epochs=4).fit(whole, loader(), loader())

    def saving():
        return pl.callbacks.ModelCheckpoint(tmp_path / "ckpt", save_last=True, save_on_train_epoch_end=True)

    runner = trainer(tmp_path, max_epochs=4, enable_checkpointing=True, callbacks=[saving(), Interrupt()])
    with pytest.raises(RuntimeError, match="plug"):
        runner.fit(fresh(), loader(), loader())
    resumed = fresh()
    nn.init.zeros_(resumed.model.head.weight)  # another start must not matter
    runner = trainer(tmp_path, max_epochs=4, enable_checkpointing=True, callbacks=[saving()])
    runner.fit(resumed, loader(), loader(), ckpt_path=str(tmp_path / "ckpt" / "last.ckpt"), weights_only=True)
    assert runner.global_step == 8
    for name, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value), name
