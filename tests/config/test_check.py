"""Broken configurations: each fault is found, at its key, with a way out."""

import copy
import subprocess
import sys

import pytest

from isthmus.config.check import check_config

MODEL_ARGS = {
    "backbone": "timm_resnet18",
    "backbone_pretrained": False,
    "backbone_in_chans": 7,
    "decoder": "UNetDecoder",
    "decoder_channels": [64, 32, 16, 8, 8],
    "head_dropout": 0.1,
    "num_classes": 2,
}
BANDS = ["COASTAL_AEROSOL", "BLUE", "GREEN", "RED", "NIR_NARROW", "SWIR_1", "SWIR_2"]
CONFIG = {
    "seed_everything": 0,
    "trainer": {
        "max_epochs": 3,
        "callbacks": ["RichProgressBar", {"class_path": "EarlyStopping", "init_args": {"monitor": "val/loss"}}],
        "logger": [{"class_path": "TensorBoardLogger", "init_args": {"save_dir": "runs", "name": "x"}}],
    },
    "model": {
        "class_path": "SemanticSegmentationTask",
        "init_args": {
            "model_factory": "EncoderDecoderFactory",
            "model_args": MODEL_ARGS,
            "loss": ["ce", "dice"],
            "ignore_index": -1,
            "class_names": ["land", "water"],
        },
    },
    "data": {
        "class_path": "isthmus.datamodules.GenericNonGeoSegmentationDataModule",
        "init_args": {
            "batch_size": 8,
            "num_workers": 2,
            "num_classes": 2,
            "dataset_bands": BANDS,
            "no_label_replace": -1,
            "train_transform": ["RandomD4", {"class_path": "RandomCrop", "init_args": {"size": 64}}],
        },
    },
    "optimizer": {"class_path": "AdamW", "init_args": {"lr": 1e-4}},
    "lr_scheduler": {"class_path": "ReduceLROnPlateau", "init_args": {"monitor": "val/loss", "patience": 5}},
}
GONE = object()
M, D = "model.init_args.", "data.init_args."
A = M + "model_args."


def changed(path, value):
    config = copy.deepcopy(CONFIG)
    node = config
    *inner, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in inner:
        node = node[step]
    if value is GONE:
        del node[last]
    else:
        node[last] = value
    return config


def faults_of(config):
    return check_config(config, "none")  # looks at no file


def test_a_good_configuration_has_no_fault():
    assert faults_of(CONFIG) == []


@pytest.mark.parametrize(
    ("path", "value", "key", "hint"),
    [
        ("modle", {}, "modle", "did you mean 'model'?"),
        ("optimiser", {}, "optimiser", "did you mean 'optimizer'?"),
        ("data", GONE, "data", "is missing"),
        ("model", 3, "model", "is 3; expected the class_path"),
        ("seed_everything", "zero", "seed_everything", "a whole number"),
        ("trainer.max_epoch", 3, "trainer.max_epoch", "did you mean 'max_epochs'"),
        ("trainer.max_epochs", "three", "trainer.max_epochs", "takes [int] here, found 'three'"),
        ("trainer", ["max_epochs"], "trainer", "expected the arguments of the trainer"),
        ("trainer.callbacks.0", "RichProgresBar", "trainer.callbacks.0.class_path", "did you mean 'RichProgressBar'"),
        ("trainer.callbacks.1.init_args.patiance", 3, "trainer.callbacks.1.init_args.patiance", "'patience'?"),
        ("trainer.logger.0.class_path", "TensorboardLoger", "trainer.logger.0.class_path", "'TensorBoardLogger'?"),
        (
            "trainer.callbacks.1.init_args.monitor",
            "val_loss",
            "trainer.callbacks.1.init_args.monitor",
            "the task does not log 'val_loss'; did you mean 'val/loss'",
        ),
        ("lr_scheduler.init_args.monitor", "val/IoU_watr", "lr_scheduler.init_args.monitor", "'val/IoU_water'"),
        ("model.class_path", "SemanticSegmentatonTask", "model.class_path", "did you mean 'SemanticSegmentationTask'?"),
        (
            "model.class_path",
            "terratorch.tasks.SemanticSegmentationTask",
            "model.class_path",
            "no package 'terratorch' to import 'terratorch.tasks.SemanticSegmentationTask' from; "
            "did you mean 'isthmus.tasks.SemanticSegmentationTask'?",
        ),
        ("model.class_path", "isthmus.task.X", "model.class_path", "there is no module 'isthmus.task'"),
        ("model.clas_path", "X", "model.clas_path", "expected only class_path and init_args"),
        (M + "model_factory", "EncoderDecodrFactory", M + "model_factory", "did you mean 'EncoderDecoderFactory'?"),
        (M + "model_factory", GONE, M + "model_factory", "is missing; EncoderDecoderFactory"),
        (M + "model_args", GONE, M + "model_args", "is missing"),
        (M + "loss", "dic", M + "loss", "did you mean 'dice'? The losses are: ce, dice, jaccard, focal, lovasz, bce"),
        (M + "loss", {"ce": 1.0, "lovas": 0.5}, M + "loss", "did you mean 'lovasz'?"),
        (M + "lr", "fast", M + "lr", "takes float here, found 'fast'"),
        (M + "freeze_bacbone", True, M + "freeze_bacbone", "did you mean 'freeze_backbone'"),
        (A + "backbone", "prithvi_eo_v2_30", A + "backbone", "did you mean 'prithvi_eo_v2_300'"),
        (A + "backbone", GONE, A + "backbone", "is missing"),
        (A + "decoder", "UNetDecodr", A + "decoder", "did you mean 'UNetDecoder'"),
        (A + "decoder", GONE, A + "decoder", "is missing"),
        (A + "decoder_chanels", [1], A + "decoder_chanels", "did you mean 'decoder_channels'"),
        (A + "decoder_channels", GONE, A + "decoder_channels", "needs the argument 'decoder_channels'"),
        (A + "head_dropot", 0.1, A + "head_dropot", "did you mean 'head_dropout'?"),
        (A + "backbone_pretraind", True, A + "backbone_pretraind", "did you mean 'backbone_pretrained'"),
        (A + "decodr_channels", [1], A + "decodr_channels", "did you mean 'decoder_channels'"),
        (A + "necks", [{"name": "SelectIndics", "indices": [1]}], A + "necks.0.name", "did you mean 'SelectIndices'?"),
        (A + "necks", [{"name": "SelectIndices"}], A + "necks.0.indices", "needs the argument 'indices'"),
        (A + "necks", [{"indices": [1]}], A + "necks.0", "with the name of a neck"),
        (A + "necks", "automatic", A + "necks", "or auto; found 'automatic'"),
        (A + "aux_decoders", [{"decoder": "FCNDecoder"}], A + "aux_decoders.0", "expected name, decoder"),
        (
            A + "aux_decoders",
            [{"name": "a", "decoder": "FCNDecodr"}],
            A + "aux_decoders.0.decoder",
            "did you mean 'FCNDecoder'",
        ),
        (
            A + "aux_decoders",
            [{"name": "a", "decoder": "FCNDecoder", "decoder_args": {"channels": 3}}],
            A + "aux_decoders.0.decoder_args.channels",
            "did you mean 'decoder_channels'",
        ),
        (M + "aux_loss", {"edges": 0.2}, M + "aux_loss.edges", "aux_decoders names none"),
        (M + "class_names", ["a", "b", "c"], M + "class_names", "has the length 3, but"),
        (M + "class_weights", [1.0], M + "class_weights", "has the length 1, but"),
        (D + "num_classes", 3, D + "num_classes", "is 3, but"),
        (M + "ignore_index", 255, M + "ignore_index", "is 255, but data.init_args.no_label_replace is -1"),
        (A + "backbone_in_chans", GONE, A + "backbone_in_chans", "takes 3 band(s), but the data give 7"),
        (A + "backbone_in_chans", 6, A + "backbone_in_chans", "takes 6 band(s), but the data give 7"),
        (D + "batch_size", "eight", D + "batch_size", "takes int here, found 'eight'"),
        (D + "num_workrs", 1, D + "num_workrs", "did you mean 'num_workers'"),
        (D + "num_workers", GONE, D + "num_workers", "needs the argument 'num_workers'"),
        (D + "train_transform", ["RandomCrp"], D + "train_transform.0.class_path", "did you mean 'RandomCrop'"),
        ("optimizer.init_args.weigth_decay", 0.1, "optimizer.init_args.weigth_decay", "did you mean 'weight_decay'?"),
        ("optimizer.class_path", "torch.optim.AdamWW", "optimizer.class_path", "did you mean 'AdamW'"),
        ("lr_scheduler.init_args.patince", 4, "lr_scheduler.init_args.patince", "did you mean 'patience'?"),
    ],
)
def test_a_fault_is_found_at_its_key_with_a_way_out(path, value, key, hint):
    faults = faults_of(changed(path, value))
    found = {fault.key: fault.message for fault in faults}
    assert key in found, found
    assert hint in found[key]
    assert len(faults) == 1 or path in ("modle", "model", "data"), found


def test_every_fault_is_found_at_once():
    config = changed("trainer.max_epoch", 3)
    config["model"]["init_args"]["model_args"] |= {"backbone": "timm_resnet81", "decoder": "UNetDecodr"}
    config["optimizer"]["init_args"]["lrr"] = 1
    assert {fault.key for fault in faults_of(config)} == {
        "trainer.max_epoch",
        A + "backbone",
        A + "decoder",
        "optimizer.init_args.lrr",
    }


def test_classes_of_others_are_left_to_those_who_import_them():
    config = changed("model", {"class_path": "json.JSONDecoder", "init_args": {"anything": 1}})
    assert faults_of(config) == []


def test_prefixed_and_nested_arguments_are_checked_alike():
    config = changed(A + "decoder_channels", GONE)
    config["model"]["init_args"]["model_args"]["decoder_kwargs"] = {"chanels": [1, 2]}
    assert {fault.key for fault in faults_of(config)} == {
        A + "decoder_kwargs.chanels",
        A + "decoder_kwargs.channels",
    }


def test_a_head_that_is_one_too_many():
    config = changed(A + "decoder", "LinearDecoder")
    del config["model"]["init_args"]["model_args"]["decoder_channels"]
    config["model"]["init_args"]["model_args"]["decoder_upsampling_size"] = 4
    assert [fault.key for fault in faults_of(config)] == [A + "head_dropout"]


FULL = {"model": "stacked_hourglass", "stacks": 2, "in_chans": 7, "num_classes": 2}


@pytest.mark.parametrize(
    ("arguments", "aux_loss", "key", "hint"),
    [
        ({}, None, None, None),
        ({}, {"stack0": 0.5}, None, None),
        ({"model": "isthmus_fc_densenet56", "stacks": GONE}, None, None, None),
        ({}, {"stack1": 0.5}, M + "aux_loss.stack1", "there are: stack0"),
        ({"model": "unet", "stacks": GONE}, {"stack0": 1.0}, M + "aux_loss.stack0", "the model has none"),
        ({"model": "fc_densenet"}, None, A + "stacks", "has no argument 'stacks'"),
        ({"filtres": 8}, None, A + "filtres", "did you mean 'filters'"),
        ({"model": "hourglass"}, None, A + "model", "stacked_hourglass"),
        ({"model": GONE}, None, A + "model", "isthmus list models"),
        ({"in_chans": GONE}, None, A + "in_chans", "set in_chans: 7"),
        ({"num_classes": 3}, None, M + "class_names", "says 3 classes"),
    ],
)
def test_full_models_are_checked(arguments, aux_loss, key, hint):
    given = {name: value for name, value in {**FULL, **arguments}.items() if value is not GONE}
    config = changed("model.init_args.model_args", given)
    config["model"]["init_args"] |= {"model_factory": "FullModelFactory", "aux_loss": aux_loss}
    found = {fault.key: fault.message for fault in check_config(config, "none")}
    assert (key is None) == (not found), found
    assert key is None or hint in found[key]


def test_nothing_heavy_is_imported():
    script = (
        "import sys; from tests_check_config import CONFIG; from isthmus.config import check_config;"
        "assert not check_config(CONFIG, 'none'); print([m for m in ('torch', 'lightning', 'timm', 'numpy') if m in sys.modules])"
    )
    source = f"import types, sys; m = types.ModuleType('tests_check_config'); m.CONFIG = {CONFIG!r}; "
    source += "sys.modules['tests_check_config'] = m; " + script
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
