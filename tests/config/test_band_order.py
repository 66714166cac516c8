"""The bands of the data against those of the model: by name where both have names."""

import pytest

from isthmus.config.bands import with_order_of_model
from isthmus.config.check import check_config
from isthmus.config.class_paths import qualify_class_paths

KEY = "model.init_args.model_args."


def config(model=None, **data):
    arguments = {"backbone": "prithvi_eo_tiny", "backbone_bands": ["RED", "GREEN", "BLUE"], "decoder": "FCNDecoder"}
    arguments = {name: value for name, value in {**arguments, **(model or {})}.items() if value is not None}
    init = {"batch_size": 1, "num_workers": 0, "num_classes": 2, "dataset_bands": ["BLUE", "GREEN", "RED"], **data}
    task = {"model_factory": "EncoderDecoderFactory", "model_args": {**arguments, "num_classes": 2}}
    described = {
        "model": {"class_path": "SemanticSegmentationTask", "init_args": task},
        "data": {"class_path": "GenericNonGeoSegmentationDataModule", "init_args": init},
    }
    return qualify_class_paths(described)[0]


def faults(model=None, **data):
    return {fault.key: fault.message for fault in check_config(config(model, **data), "none")}


def ordered(model=None, **data):
    return with_order_of_model(config(model, **data))["data"]["init_args"]


def test_the_same_bands_in_another_order_are_reordered(caplog):
    given = {"means": [1.0, 2.0, 3.0], "stds": [4.0, 5.0, 6.0], "rgb_indices": [2, 1, 0]}
    assert faults(**given) == {}
    data = ordered(**given)
    assert data["output_bands"] == ["RED", "GREEN", "BLUE"]
    assert (data["means"], data["stds"]) == ([3.0, 2.0, 1.0], [6.0, 5.0, 4.0])
    assert data["rgb_indices"] == [0, 1, 2]
    assert "in the order of the model: RED, GREEN, BLUE" in caplog.text


def test_output_bands_are_reordered_too():
    bands = {"dataset_bands": ["NIR_NARROW", "BLUE", "GREEN", "RED"], "output_bands": ["BLUE", "RED", "GREEN"]}
    data = ordered(**bands, predict_output_bands=["BLUE", "GREEN", "RED"], means="compute", stds="compute")
    assert data["output_bands"] == data["predict_output_bands"] == ["RED", "GREEN", "BLUE"]
    assert data["means"] == "compute"


def test_nothing_changes_where_the_order_is_the_same():
    same = config({"backbone_bands": ["BLUE", "GREEN", "RED"]})
    assert with_order_of_model(same) == same


def test_what_cannot_be_reordered_is_a_fault():
    (message,) = faults(means="stats.yaml", stds="stats.yaml").values()
    assert "the model takes the bands RED, GREEN, BLUE, but the data give BLUE, GREEN, RED" in message
    assert "means is a file" in message
    assert "output_bands" not in ordered(means="stats.yaml", stds="stats.yaml")


@pytest.mark.parametrize(
    ("model", "data", "key", "says"),
    [
        ({}, {"dataset_bands": ["VV", "VH", "HH"]}, "backbone_bands", "but the data give VV, VH, HH"),
        (
            {},
            {"dataset_bands": ["BLUE", "GREEN", "RED", "SWIR_1"]},
            "backbone_bands",
            "set data.init_args.output_bands: [RED",
        ),
        ({}, {"dataset_bands": ["BLUE", "RED"]}, "backbone_bands", "or set backbone_bands to those of the data"),
        ({"backbone_bands": None}, {"dataset_bands": ["VV", "VH"]}, "backbone_bands", "the model takes the bands BLUE"),
        ({}, {"dataset_bands": [1, 2, 3, 4]}, "backbone_bands", "takes 3 band(s), but the data give 4"),
    ],
)
def test_other_bands_are_a_fault(model, data, key, says):
    found = faults({"backbone": "prithvi_eo_v2_tiny_tl", **model}, **data)
    assert list(found) == [KEY + key]
    assert says in found[KEY + key]


def test_numbers_count_where_there_are_no_names():
    assert faults(dataset_bands=[1, 2, 3]) == {}
    assert faults({"backbone": "timm_resnet18", "backbone_bands": None}) == {}
    found = faults({"backbone": "timm_resnet18", "backbone_bands": None}, dataset_bands=["VV", "VH"])
    assert "set backbone_in_chans: 2" in found[KEY + "backbone_in_chans"]


def test_a_model_of_several_modalities_takes_the_first_from_a_single_image():
    arguments = {"backbone": "terramind_v1_tiny", "backbone_bands": {"S2L2A": ["BLUE", "GREEN", "RED"]}}
    assert faults(arguments) == {}
    found = faults({**arguments, "backbone_bands": None})
    assert "takes the bands COASTAL_AEROSOL" in found[KEY + "backbone_bands"]
    assert faults({**arguments, "backbone_bands": None, "backbone_modalities": ["S1GRD"]}) == {}


def test_auxiliary_heads_of_the_task_are_checked_where_they_stand():
    described = config({"backbone_bands": ["BLUE", "GREEN", "RED"]})
    init = described["model"]["init_args"]
    init |= {"aux_heads": [{"name": "edges", "decoder": "FCNDecodr"}], "aux_loss": {"edges": 0.2, "edgs": 1.0}}
    found = {fault.key: fault.message for fault in check_config(described, "none")}
    assert list(found) == ["model.init_args.aux_loss.edgs", "model.init_args.aux_heads.0.decoder"][::-1]
    assert "there are: edges" in found["model.init_args.aux_loss.edgs"]


def test_the_arguments_of_a_loss_are_checked():
    described = config({"backbone_bands": ["BLUE", "GREEN", "RED"]})
    described["model"]["init_args"]["loss"] = {"dice": {"weight": 0.5, "smoth": 1}, "ce": 1}
    found = {fault.key: fault.message for fault in check_config(described, "none")}
    assert list(found) == ["model.init_args.loss.dice.smoth"]
    assert "has no argument 'smoth'" in found["model.init_args.loss.dice.smoth"]
