"""Arguments that a datamodule hands on are known, with their types, to whoever reads a configuration."""

from dataclasses import fields

import pytest

from isthmus.datasets.keypoint_source import KeypointSource
from isthmus.datasets.labels import SegmentationSource
from isthmus.registry import DATAMODULE_REGISTRY
from isthmus.registry.sources.static_scan import inherited_signature

SOURCES = {
    "GenericNonGeoSegmentationDataModule": SegmentationSource,
    "GenericKeypointDataModule": KeypointSource,
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_argument_of_a_source_is_one_of_its_datamodule(name):
    signature = inherited_signature(DATAMODULE_REGISTRY.entry(name).target)
    assert not signature.is_open
    assert {"batch_size", "num_workers", "means", "train_transform", "prefetch_factor"} <= set(signature.names)
    read = {field.name for field in fields(SOURCES[name]) if field.init}
    assert read <= set(signature.names)
    annotations = {parameter.name: parameter.annotation for parameter in signature.parameters}
    assert annotations["constant_scale"] == "float | None"
    assert annotations["drop_last"] == "bool"


@pytest.mark.parametrize("name", SOURCES)
def test_a_parser_knows_the_arguments_that_are_handed_on(name):
    jsonargparse = pytest.importorskip("jsonargparse")
    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(DATAMODULE_REGISTRY.entry(name).load(), "data")
    given = {"batch_size": 2, "num_workers": 0, "means": "compute", "stds": "compute", "constant_scale": 0.1}
    given |= {"num_classes": 2} if "Segmentation" in name else {}
    given |= {"train_transform": [{"class_path": "isthmus.transforms.RandomD4"}]}
    assert parser.parse_object({"data": given}).data.constant_scale == 0.1
    for wrong in ({"mean": [1.0]}, {"drop_last": "perhaps"}, {"dataset_bands": 3}, {"rgb_indices": ["a"]}):
        with pytest.raises(jsonargparse.ArgumentError):
            parser.parse_object({"data": {**given, **wrong}})
    text = parser.format_help()
    assert "samples in a batch" in text
    assert "a glob pattern for the images" in text
