"""What a configuration says about time and about adapters, before torch is imported."""

import importlib.util

import numpy as np
import pytest
import rasterio

from isthmus.config.check import check_config
from isthmus.errors import CompositionError
from isthmus.plan import plan

KEY = "model.init_args.model_args."


def config(model=None, data=None, task=None):
    model_args = {
        "backbone": "prithvi_eo_tiny",
        "backbone_bands": ["RED", "GREEN"],
        "necks": "auto",
        "decoder": "FCNDecoder",
        "num_classes": 2,
        **(model or {}),
    }
    init_args = {"batch_size": 1, "num_workers": 0, "num_classes": 2, "dataset_bands": ["RED", "GREEN"], **(data or {})}
    return {
        "model": {
            "class_path": "isthmus.tasks.SemanticSegmentationTask",
            "init_args": {"model_factory": "EncoderDecoderFactory", "model_args": model_args, **(task or {})},
        },
        "data": {
            "class_path": "isthmus.datamodules.GenericNonGeoSegmentationDataModule",
            "init_args": init_args,
        },
    }


def faults(*args, subcommand="plan", **kwargs):
    return [str(fault) for fault in check_config(config(*args, **kwargs), subcommand)]


SERIES = {"expand_temporal_dimension": True}
WRAPPED = {"backbone_use_temporal": True}


@pytest.mark.parametrize(
    ("model", "data"),
    [
        ({}, {}),
        (WRAPPED, SERIES),
        ({"backbone_num_frames": 3}, SERIES),
        ({**WRAPPED, "backbone_temporal_pooling": "concat", "backbone_temporal_n_timestamps": 3}, SERIES),
    ],
)
def test_what_agrees(model, data):
    assert not faults(model, data)


@pytest.mark.parametrize(
    ("model", "data", "key", "message"),
    [
        (WRAPPED, {}, "backbone_use_temporal", "the backbone takes time series, but the data give single images"),
        ({"backbone_num_frames": 3}, {}, "backbone_num_frames", "set data.init_args.expand_temporal_dimension: true"),
        ({}, SERIES, "backbone_use_temporal", "set backbone_use_temporal: true, or backbone_num_frames to the number"),
        ({"backbone_temporal_pooling": "max"}, SERIES, "backbone_temporal", "given without backbone_use_temporal"),
    ],
)
def test_a_forgotten_axis_of_time(model, data, key, message):
    (fault,) = faults(model, data)
    assert fault.startswith(KEY + key)
    assert message in fault


def test_the_plan_finds_it_too():
    small = {"backbone_depth": 1, "backbone_embed_dim": 32, "backbone_num_heads": 2, "backbone_img_size": 32}
    with pytest.raises(CompositionError, match=r"takes time series .* the data give single images"):
        plan(config({**small, **WRAPPED}))
    convolutional = {"backbone": "timm_resnet10t", "backbone_in_chans": 2, "backbone_bands": None}
    described = config({**convolutional}, SERIES)
    del described["model"]["init_args"]["model_args"]["backbone_bands"]
    with pytest.raises(CompositionError, match=r"the data give time series .* takes single images"):
        plan(described)
    described["model"]["init_args"]["model_args"] |= WRAPPED
    assert plan(described).output == [(1, 2, 224, 224)]


def test_the_number_of_steps_is_that_of_the_files(tmp_path):
    for name in ("image", "mask"):
        folder = tmp_path / name
        folder.mkdir()
        count = 6 if name == "image" else 1
        shape = {"width": 8, "height": 8, "count": count, "dtype": "uint8"}
        with rasterio.open(
            folder / "1.tif", "w", driver="GTiff", transform=rasterio.Affine(1, 0, 0, 0, -1, 8), **shape
        ) as f:
            f.write(np.ones((count, 8, 8), np.uint8))
    data = {**SERIES, "train_data_root": str(tmp_path / "image"), "train_label_data_root": str(tmp_path / "mask")}
    assert not faults({"backbone_num_frames": 3}, data, subcommand="fit")
    for model in ({"backbone_num_frames": 2}, {**WRAPPED, "backbone_temporal_pooling": "diff"}):
        (fault,) = faults(model, data, subcommand="fit")
        assert "the backbone takes 2 time steps, but the files hold 3" in fault


@pytest.mark.parametrize(
    ("given", "task", "key", "message"),
    [
        ("LORA", {}, "peft_config", "expected method, replace_qkv, peft_config_kwargs"),
        ({}, {}, "peft_config.method", "is missing"),
        ({"method": "LORA", "peft_config": {}}, {}, "peft_config.peft_config", "did you mean 'peft_config_kwargs'"),
        ({"method": 3}, {}, "peft_config.method", "expected the name of a method"),
    ],
)
def test_mistakes_in_a_peft_config(given, task, key, message):
    (fault,) = faults({"peft_config": given}, task=task)
    assert fault.startswith(KEY + key)
    assert message in fault


def test_a_frozen_backbone_and_a_missing_package(monkeypatch):
    lora = {"peft_config": {"method": "LORA"}}
    (fault,) = faults(lora, task={"freeze_backbone": True})
    assert fault.startswith("model.init_args.freeze_backbone")
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: None if name == "peft" else find(name))
    (fault,) = faults(lora)
    assert "pip install 'isthmus[peft]'" in fault
